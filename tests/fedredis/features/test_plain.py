import numpy as np
import pytest

from fedredis.features import Column, make

PLAIN = make("plain", tuple(Column(name) for name in "abcd"))


def test_passes_and_standardised_inputs_within_their_bounds(rows, gather):
    passes = []
    known = gather(PLAIN, [rows[:100], rows[100:100], rows[100:]], passes=passes)
    assert passes == ["magnitudes", "means", "squares"]
    inputs = PLAIN.transform(known, rows)
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(inputs.std(axis=0), 1, rtol=1e-14)
    largest, bounds = np.abs(inputs).max(axis=0), PLAIN.bounds(known)
    assert (largest <= bounds).all()
    assert (bounds <= 2.01 * largest).all()
    assert PLAIN.warnings(known) == ()


def test_bounds_of_one_outlier_are_those_of_its_standard_deviations(gather):
    plain, x = make("plain", (Column("a"),)), np.r_[np.zeros(9_999), 1e9][:, np.newaxis]
    known = gather(plain, [x])
    assert np.abs(plain.transform(known, x)).max() <= plain.bounds(known)[0] <= 100
    assert plain.bounds(known)[0] == pytest.approx(100)


def test_constant_column_becomes_0_and_is_named(gather):
    plain = make("plain", (Column("a"),))
    known = gather(plain, [np.full((5, 1), 0.3), np.full((6, 1), 0.3)])
    np.testing.assert_allclose(
        plain.transform(known, np.array([[0.3], [1.3]])), [[0], [1]], atol=1e-15
    )
    assert plain.warnings(known) == (
        "column 'a' is the same in all rows: leave it out of the columns",
    )
