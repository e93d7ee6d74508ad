"""What rows weigh: as scikit-learn balances them, and the same bits however they are dealt."""

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from fedredis.arrays import Scope, Sum
from fedredis.errors import BoundError, DataError
from fedredis.features import Column, Plain, Weights, cells
from fedredis.features.prepared import Prepared

RNG = np.random.default_rng(11)
Y = RNG.choice(3, 500, p=[0.7, 0.28, 0.02])
W = RNG.lognormal(0, 2, 500)
X = RNG.normal(size=(500, 1))
#: With those that are held out, which are many.
ROWS = 500_000


def known_of(weights, cuts, w=W, y=Y):
    """Make all passes over rows that are dealt at some places."""
    features = Prepared((((0,), Plain((Column("x"),))), ((), weights)))
    known, scope = {}, Scope(len(cuts) + 1, ROWS)
    while name := features.next_pass(known):
        rule = Sum(features.quantities(name, known), scope)
        total = rule.schema.zeros()
        parts = zip(np.split(X, cuts), np.split(y, cuts), np.split(w, cuts), strict=True)
        for of_x, of_y, of_w in parts:
            sums = features.sums(name, known, of_x, of_y, of_w if weights.column else None)
            encoded = rule.encode([a[np.newaxis] for a in sums], np.array([len(of_x)]))
            total = [one + other[0] for one, other in zip(total, encoded, strict=True)]
        known = features.learn(name, known, rule.decode(total))
    return known


@pytest.mark.parametrize("column", [False, True])
@pytest.mark.parametrize("balanced", [False, True])
def test_factors_are_those_of_scikit_learn_to_the_same_bits_for_any_cut(balanced, column):
    weights = Weights(3, balanced, column, ROWS)
    known = known_of(weights, [])
    w = W if column else np.ones(500)
    if balanced:
        expected = compute_class_weight("balanced", classes=np.arange(3), y=Y, sample_weight=w)
        expected = expected * 500 / w.sum()
    else:
        expected = np.full(3, 500 / w.sum())
    np.testing.assert_allclose(known["row_weights"], expected, rtol=1e-12)
    of_rows = weights.of(known, Y, w)
    assert of_rows.mean() == pytest.approx(1, rel=1e-12)
    assert of_rows.max() <= known["weight_bound"]
    for cuts in ([1], [100, 101, 400], list(range(1, 500))):
        dealt = known_of(weights, cuts)
        for key in ("row_weights", "weight_bound"):
            assert dealt[key].tobytes() == known[key].tobytes()


def test_a_class_without_rows_and_rows_without_weight_take_no_part():
    weights = Weights(4, balanced=True, column=True, rows=ROWS)
    known = known_of(weights, [250], w=np.where(Y == 2, 0.0, 5.0))
    assert known["row_weights"][2:].tolist() == [0.0, 0.0]
    np.testing.assert_allclose(known["row_weights"][:2] * 5, 500 / 2 / np.bincount(Y)[:2])


def test_numbers_are_weighed_too():
    known = known_of(Weights(0, balanced=False, column=True, rows=ROWS), [10], y=X[:, 0])
    np.testing.assert_allclose(known["row_weights"], [500 / W.sum()])


@pytest.mark.parametrize(
    ("w", "said"),
    [
        (0.0, "no row to learn from has a weight above 0"),
        (1e200, r"no weight may be beyond 1e\+154"),
    ],
)
def test_weights_that_are_none_are_refused(w, said):
    with pytest.raises((DataError, BoundError), match=said):
        known_of(Weights(3, balanced=False, column=True, rows=ROWS), [], w=np.full(500, w))


@pytest.mark.parametrize("w", [-1.0, 1e200])
def test_weights_that_no_slave_can_have_are_refused_on_arrival(w):
    (quantity,) = Weights(3, balanced=False, column=True, rows=ROWS).quantities("weights", {})
    counts = cells.magnitudes(np.array([1.0, w]))[np.newaxis, np.newaxis]
    one, two = np.array([1]), np.array([2])
    assert quantity.reasons(counts, one, two, 9, ROWS) == [
        "array 'weights' is not what 2 rows can come to"
    ]
