import numpy as np
import pytest

from fedredis import features
from fedredis.errors import DataError
from fedredis.features import Column

RNG = np.random.default_rng(0)
HARD = {
    "plain": RNG.normal(5, 3, 700),
    "one hour": 1.7e9 + RNG.uniform(0, 3600, 700),
    "nanoseconds": 1.7e18 + np.rint(RNG.uniform(0, 3600e9, 700)),
    "offset": 1e11 + RNG.normal(size=700),
    "one sentinel": np.r_[RNG.normal(size=699), 999999999],
    "large": RNG.normal(0, 1e150, 700),
    "small": RNG.normal(0, 1e-120, 700),
    "rare": np.r_[np.zeros(699), 1],
    "negative": -RNG.lognormal(0, 9, 700),
}


def learned(gather, x, cuts=(100, 100, 350)):
    features_ = features.make("plain", (Column("x"),))
    return gather(features_, np.split(np.asarray(x, float)[:, np.newaxis], cuts))


@pytest.mark.parametrize("name", HARD)
def test_mean_and_standard_deviation_to_the_last_digits(name, gather):
    x = HARD[name]
    known, exact = learned(gather, x), x.astype(np.longdouble)
    mean, scale = exact.mean(), exact.std()
    # The mean can't be nearer than a float, nor need it be than that of the deviations.
    assert abs(known["mean"][0] - mean) <= 1e-15 * abs(mean) + 1e-14 * scale
    assert known["scale"][0] == pytest.approx(float(scale), rel=1e-12)
    assert not known["constant"][0]
    away = np.abs(x - known["mean"][0]).max()
    assert away * (1 - 1e-15) <= known["bound"][0] <= 2.01 * away
    assert known.keys() == {"rows", "mean", "scale", "bound", "constant"}


@pytest.mark.parametrize("value", [0.0, 0.1, -1e6, 1.7e9, 1e12, 1e-30, 1 / 3e100])
def test_constant_column_has_scale_1(value, gather):
    known = learned(gather, np.full(1001, value))
    assert known["mean"][0] == pytest.approx(value, rel=1e-15)
    assert (known["scale"][0], known["constant"][0]) == (1, 1)
    assert known["bound"][0] <= 1e-11 * abs(value) + 1e-150


@pytest.mark.parametrize("value", [1e155, -1e200, np.inf])
def test_values_that_are_too_large(value, gather):
    with pytest.raises(DataError, match=r"column 'x': it holds numbers beyond 1e\+154: divide"):
        learned(gather, [1.0, value, 2.0, 3.0], (1, 2))
