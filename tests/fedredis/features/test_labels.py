import numpy as np
import pytest

from fedredis.features import Column, make

COLUMNS = (Column("share", 0, 1),)


@pytest.mark.parametrize("offset", [0, 1e8, 1.7e9, 1e11])
@pytest.mark.parametrize("name", ["plain", "quadratic"])
def test_labels_are_standardised_in_the_passes_of_the_columns(name, offset, gather):
    rng = np.random.default_rng(0)
    X, y = rng.random((300, 1)), offset + rng.normal(0, 3, 300)
    made, passes = make(name, COLUMNS, numeric_labels=True), []
    known = gather(made, np.array_split(X, 3), np.array_split(y, 3), passes=passes)
    assert len(passes) == 3
    assert all(known[f"label_{what}"].shape == () for what in ("mean", "scale", "bound"))
    z = (y - known["label_mean"]) / known["label_scale"]
    assert abs(z.mean()) < 1e-15 * offset + 1e-14
    assert z.std() == pytest.approx(1, rel=1e-12)
    assert np.abs(z).max() <= known["label_bound"] <= 2.01 * np.abs(z).max()
    # The inputs are those without labels.
    alone = make(name, COLUMNS)
    inputs = alone.transform(gather(alone, np.array_split(X, 3)), X)
    np.testing.assert_array_equal(made.transform(known, X), inputs)
    assert made.bounds(known).shape == (made.width(known),)


def test_one_label_throughout(gather):
    made = make("plain", COLUMNS, numeric_labels=True)
    known = gather(made, [np.array([[0.0], [1.0]])], [np.full(2, 7.5)])
    assert (known["label_mean"], known["label_scale"]) == (7.5, 1)
    assert made.warnings(known) == (
        "the label is the same in all rows: there is nothing to learn",
    )
