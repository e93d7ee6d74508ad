import numpy as np
import pytest

from fedredis.arrays import Scope, Sum
from fedredis.errors import BoundError, DataError
from fedredis.features import Column, WeighedMean, Weights, make
from fedredis.features.bins import GRAIN
from fedredis.features.labels import Labels
from fedredis.features.prepared import Prepared

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


@pytest.mark.parametrize("offset", [0, 1e8])
def test_the_mean_by_weight_has_the_same_bits_for_any_cut(offset):
    rng, n = np.random.default_rng(4), 500
    X, y, w = np.empty((n, 0)), offset + rng.normal(0, 3, n), rng.lognormal(0, 2, n)
    weights = Weights(0, balanced=False, column=True, rows=n)
    features = Prepared(
        tuple(((), part) for part in (Labels(GRAIN), weights, WeighedMean(weights)))
    )
    starts = []
    for cuts in ([], [1], [100, 101, 400], list(range(1, n))):
        known, scope = {}, Scope(len(cuts) + 1, n)
        while name := features.next_pass(known):
            rule = Sum(features.quantities(name, known), scope)
            total = rule.schema.zeros()
            for rows in zip(*(np.split(a, cuts) for a in (X, y, w)), strict=True):
                sums = features.sums(name, known, *rows)
                encoded = rule.encode([a[np.newaxis] for a in sums], np.array([len(rows[1])]))
                total = [one + other[0] for one, other in zip(total, encoded, strict=True)]
            known = features.learn(name, known, rule.decode(total))
        starts.append(known["label_start"])
    assert {start.tobytes() for start in starts} == {starts[0].tobytes()}
    z = (y - known["label_mean"]) / known["label_scale"]
    assert starts[0] == pytest.approx(np.average(z, weights=w), rel=1e-6)


def test_labels_that_are_too_large_are_told_as_the_label(gather):
    made = make("plain", COLUMNS, numeric_labels=True)
    with pytest.raises(BoundError, match="the label: it holds numbers beyond 1e"):
        gather(made, [np.array([[0.0], [1.0]])], [np.full(2, 1e200)])
    (magnitudes,) = Labels().quantities("magnitudes", {})
    counts = np.zeros(magnitudes.shape)
    counts[0, -1] = 2
    with pytest.raises(DataError, match="the label: it holds numbers beyond 1e"):
        Labels().learn("magnitudes", {}, [counts])
