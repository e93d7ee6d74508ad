import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedredis.arrays import Bundle, Each, Field, Quantity, Schema, Scope, Sum, Updates, count
from fedredis.errors import BoundError

QUANTITIES = (
    Quantity("sums", (3,)),
    Quantity("errors", (), 2.0**40, wide=True),
    count("rows", (1,)),
)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_slaves_bundled_anyhow_give_the_same_bits(seed, slaves):
    rng = np.random.default_rng(seed)
    samples = rng.integers(0, 50, slaves)
    rule = Sum(QUANTITIES, Scope(slaves, int(samples.sum())))
    values = [
        samples[:, np.newaxis] * rng.uniform(-1, 1, (slaves, 3)),
        samples * rng.normal(size=slaves),
        samples[:, np.newaxis],
    ]
    updates = Updates(tuple("abcdefghijkl"[:slaves]), samples, rule.encode(values, samples))
    (whole,) = rule.bundles(updates)
    total = rule.schema.zeros()
    for places in np.split(rng.permutation(slaves), np.sort(rng.integers(0, slaves, 3))):
        for bundle in rule.bundles(updates.take(places.tolist())):
            back = Bundle.of(rule.schema, bundle.parts(rule.schema))
            assert (back.slaves, back.samples) == (bundle.slaves, bundle.samples)
            told = np.array([len(back.slaves)]), np.array([back.rows])
            assert rule.reasons(*told, [a[np.newaxis] for a in back.arrays]) == [None]
            total = [one + other for one, other in zip(total, back.arrays, strict=True)]
    assert [a.tobytes() for a in total] == [a.tobytes() for a in whole.arrays]
    for found, value in zip(rule.decode(total), values, strict=True):
        np.testing.assert_allclose(found, value.sum(axis=0), rtol=1e-13, atol=1e-13)


def test_sums_of_more_rows_than_there_are():
    rule = Sum(QUANTITIES[2:], Scope(2, 10))
    with pytest.raises(BoundError, match="a slave has 11 rows, more than the 10 of all slaves"):
        rule.encode([np.array([[11]])], np.array([11]))
    why = rule.reasons(np.array([1]), np.array([11]), [np.array([[11]])])
    assert why == ["11 rows, more than all slaves have"]
    assert rule.bundles(Updates((), np.array([], int), rule.schema.zeros())) == []


EACH = Each(Schema((Field("w", "<f8", (2,)),)), [np.array([1.0, 2.0])], 5.0)


def test_single_updates_stay_apart():
    samples, facts = np.array([2, 4]), {"loss": np.array([0.5, 0.25])}
    points = EACH.encode([np.array([[2.0, 4], [16, 24]])], samples)
    one, other = EACH.bundles(Updates(("a", "b"), samples, points, facts))
    assert (one.slaves, one.samples, one.facts["loss"].tolist()) == (("a",), (2,), [0.5])
    assert (other.arrays[0].tolist(), other.rows) == ([16, 24], 4)
    assert other.facts["loss"].tolist() == [0.25]


@pytest.mark.parametrize(
    ("counts", "samples", "point", "problem"),
    [
        (1, 2, [2, 4], None),
        (2, 2, [2, 4], "it is of several slaves, and this strategy looks at each"),
        (1, 0, [2, 4], "0 is not a number of rows that it can stand for"),
        (1, 2, [14, 4], "it is 6 away from the global model, more than 5"),
        (1, 2, [np.nan, 4], "it is nan away from the global model, more than 5"),
        (1, 2, [1e300, 4], "it is inf away from the global model, more than 5"),
    ],
)
def test_single_updates_that_are_not_counted(counts, samples, point, problem):
    stacks = [np.array([point], float)]
    assert EACH.reasons(np.array([counts]), np.array([samples]), stacks) == [problem]
    if counts == 1 and problem:
        with pytest.raises(BoundError, match=problem):
            EACH.encode(stacks, np.array([samples]))
