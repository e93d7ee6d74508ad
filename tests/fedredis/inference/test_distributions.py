"""Tails and quantiles beside SciPy's."""

import math

import numpy as np
import pytest
from scipy import special, stats

from fedredis.inference import distributions

DEGREES = (1, 2, 3, 4.5, 10, 29.3, 1000, 9989, 1e6)


@pytest.mark.parametrize("df", DEGREES)
def test_t(df):
    t = np.array([0, 1e-3, 0.5, 1, 1.7320508, 2, 5, 30])
    np.testing.assert_allclose(distributions.two_sided(-t, df), 2 * special.stdtr(df, -t), 1e-10)
    for level in (0.01, 0.5, 0.95, 0.999):
        upper = stats.t(df).ppf((1 + level) / 2)
        assert distributions.critical(level, df) == pytest.approx(upper, rel=1e-10)


@pytest.mark.parametrize("df1", [1, 2, 3, 10, 50, 1000])
@pytest.mark.parametrize("df2", DEGREES)
def test_f(df1, df2):
    for f in (1e-3, 0.3, 0.9, 1, 1.1, 2, 5, 20):
        found = distributions.f_tail(f, df1, df2)
        assert found == pytest.approx(special.fdtrc(df1, df2, f), rel=1e-9, abs=1e-290)


@pytest.mark.parametrize("df", [1, 2, 7, 999, 5000])
def test_chi_squared(df):
    found = distributions.chi2_tail([0, df * 0.9, df, df * 1.2], df)
    np.testing.assert_allclose(found, special.chdtrc(df, [0, df * 0.9, df, df * 1.2]), 1e-10)


def test_what_is_no_number_or_endless():
    assert np.isnan(distributions.two_sided([np.nan], 3)).all()
    assert distributions.two_sided([np.inf, -np.inf], 3).tolist() == [0, 0]
    assert [distributions.f_tail(f, 1, 2) for f in (0.0, math.inf)] == [1.0, 0.0]
    assert math.isnan(distributions.f_tail(math.nan, 1, 2))
