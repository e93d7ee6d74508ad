import numpy as np
import pytest

from fedredis.errors import DataError
from fedredis.features import moments


def test_mean_and_standard_deviation():
    X = np.random.default_rng(0).normal(5, 3, (500, 4))
    mean, scale = moments.mean_and_scale(moments.sums(X))
    np.testing.assert_allclose(mean, X.mean(axis=0))
    np.testing.assert_allclose(scale, X.std(axis=0))


def test_integers_are_summed_as_floats():
    X = np.full((3, 1), 2**20, dtype=np.int32)  # squares beyond 32 bits
    count, of_values, of_squares = moments.sums(X)
    assert (count[0], of_values[0], of_squares[0]) == (3, 3 * 2.0**20, 3 * 2.0**40)


@pytest.mark.parametrize("value", [0.0, 0.1, -1e6, 1e12])
def test_constant_column_has_scale_1(value):
    mean, scale = moments.mean_and_scale(moments.sums(np.full((1001, 1), value)))
    assert mean[0] == pytest.approx(value)
    assert scale[0] == 1


def test_no_rows_at_all():
    empty = moments.sums(np.empty((0, 2)))
    assert moments.schema(2).encode(empty) == moments.schema(2).encode(moments.schema(2).zeros())
    with pytest.raises(DataError, match="no slave has any rows"):
        moments.mean_and_scale(empty)
