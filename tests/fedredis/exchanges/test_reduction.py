from __future__ import annotations

import numpy as np
import pytest

from fedredis.arrays import Bundle, Each, Field, Schema, Scope, Sum, count
from fedredis.exchanges.reduction import Reduction

RULE = Sum((count("hits", (2,)),), Scope(slaves=3, rows=10))


def bundle(*slaves: str, rows: int = 2, hits: tuple[int, int] = (1, 0)) -> Bundle:
    return Bundle(slaves, (rows,) * len(slaves), [np.array(hits, np.int64)])


def refusals(reduction: Reduction, **bundles: Bundle) -> dict[str, str]:
    found = reduction.take([(name.replace("_", ":"), b) for name, b in bundles.items()])
    return {name: str(why) for name, why in found.items()}


def test_bundles_are_added_in_any_order():
    one, other = Reduction(RULE, "abc"), Reduction(RULE, "abc")
    bundles = [("x", bundle("b")), ("y", bundle("a", "c", hits=(2, 1)))]
    assert one.take(bundles) == {} == other.take(reversed(bundles))
    for reduced in (one.reduced(), other.reduced()):
        assert (reduced.total[0].tolist(), reduced.samples) == ([3, 1], 6)
        assert (reduced.counted, reduced.complete, reduced.each) == (3, True, None)
    assert one.missing() == []


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (bundle("a"), "counted before"),
        (bundle("d"), "not asked"),
        (bundle("b", hits=(3, 0)), "'hits' is not what 2 rows can come to"),
        (bundle("b", hits=(-1, 0)), "'hits' is not what 2 rows can come to"),
        (bundle("b", rows=11), "11 rows, more than all slaves have"),
        (bundle("b", rows=9, hits=(0, 0)), "more rows than the 10 that all slaves have"),
    ],
)
def test_what_can_not_be_counted_is_refused(wrong, why):
    reduction = Reduction(RULE, "abc")
    assert refusals(reduction, first=bundle("a")) == {}
    assert why in refusals(reduction, wrong=wrong)["wrong"]
    # The others go on, and who was refused may come again.
    assert refusals(reduction, later=bundle("b"), last=bundle("c")) == {}
    assert (reduction.reduced().total[0].tolist(), reduction.counted) == ([3, 0], 3)


def test_no_slave_hands_in_more_rows_than_it_had_when_the_run_began():
    reduction = Reduction(RULE, "abc", {"a": 2, "b": 6, "c": 2})
    found = refusals(reduction, one=bundle("a", rows=3), two=bundle("b", "c", rows=3))
    assert found == {
        "one": "slave a says that it is of 3 rows, and had 2 when the run began",
        "two": "slave c says that it is of 3 rows, and had 2 when the run began",
    }
    assert refusals(reduction, one=bundle("a", rows=1), two=bundle("b", "c")) == {}
    assert reduction.samples == 5


def test_a_slave_s_own_bundle_speaks_for_it_alone():
    assert refusals(Reduction(RULE, "abc"), update_a=bundle("a")) == {}
    found = refusals(Reduction(RULE, "abc"), update_a=bundle("a", "b"))
    assert found == {"update:a": "it speaks for others than slave a"}


def test_of_two_with_the_same_slave_the_second_is_refused():
    found = refusals(Reduction(RULE, "abc"), one=bundle("a", "b"), two=bundle("b", "c"))
    assert list(found) == ["two"]


def test_single_updates_are_kept_in_the_order_of_the_slaves():
    schema = Schema((Field("w", "<f8", (1,)),))
    reduction = Reduction(Each(schema, [np.zeros(1)], norm=10.0), "abc")

    def single(slave, value):
        return slave, Bundle((slave,), (2,), [np.array([value])])

    refused = reduction.take([single("c", 6.0), single("b", 99.0), single("a", 2.0)])
    assert list(refused) == ["b"]
    each = reduction.reduced().each
    assert (each.slaves, each.stacks[0].tolist()) == (("a", "c"), [[2.0], [6.0]])
    assert reduction.missing() == ["b"]


def test_facts_are_told_by_bundle():
    reduction = Reduction(RULE, "abc")
    told = {"loss": np.array([1.0])}
    reduction.take([("x", Bundle(("a",), (2,), [np.zeros(2, np.int64)], told, "w-1"))])
    packed = {"loss": "AAAAAAAA8D8="}
    assert reduction.facts() == [
        {"worker": "w-1", "slaves": ("a",), "samples": (2,), "facts": packed}
    ]
