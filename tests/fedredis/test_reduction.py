from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis import reduction
from fedredis.barrier import Barrier
from fedredis.codec import Field, Schema
from fedredis.errors import UpdateRefusedError
from fedredis.keys import Kind, Label, RunKeys
from fedredis.reduction import Reduction, checked
from fedredis.store.master import MasterStore, Update

if TYPE_CHECKING:
    from redis import Redis

TRAIN = Label(Kind.TRAIN, 1)
SCHEMA = Schema((Field("weights", "<f8", (2, 3)), Field("rows", "<i8", (1,))))
SLAVES = ("0", "1", "2", "3", "10")


class Recording(MasterStore):
    """A master's store that notes whose updates were fetched together."""

    def updates(self, label: Label, slaves: Any) -> Any:
        self.fetched = [*getattr(self, "fetched", []), list(slaves)]
        return super().updates(label, slaves)


@pytest.fixture
def store(fake: Redis) -> Recording:
    return Recording(fake, RunKeys("r1"), token="me", lease_ms=1000)


def arrays(slave: str) -> list[Any]:
    # Of very different sizes, so that another order gives other bits.
    rng = np.random.default_rng(int(slave))
    return [rng.normal(0, 10.0 ** int(slave[-1]) * 7, (2, 3)), np.array([int(slave)])]


def put(fake: Redis, slave: str, samples: object = 10, blob: bytes | None = None) -> None:
    update = {"samples": samples, "blob": SCHEMA.encode(arrays(slave)) if blob is None else blob}
    fake.hset(f"fedredis:{{r1}}:round:train:1:update:{slave}", mapping=update)


def in_order(slaves: tuple[str, ...]) -> bytes:
    total = SCHEMA.zeros()
    for slave in slaves:
        for whole, part in zip(total, arrays(slave), strict=True):
            whole += part
    return SCHEMA.encode(total)


def test_the_sum_is_the_same_bits_whatever_the_order_of_arrival(
    fake: Redis, store: Recording
) -> None:
    for slave in SLAVES:
        put(fake, slave)
    assert in_order(SLAVES) != in_order(SLAVES[::-1])
    for order in itertools.permutations(SLAVES):
        barrier, summing = Barrier(TRAIN, SLAVES), Reduction(SCHEMA)
        for slave in order:
            assert not summing.advance(barrier, store)
            barrier.arrived.add(slave)
        assert summing.advance(barrier, store)
        assert SCHEMA.encode(summing.total) == in_order(SLAVES)
        assert summing.counted == list(SLAVES)
        assert summing.samples == 50


def test_who_is_ahead_of_its_turn_waits_in_redis(fake: Redis, store: Recording) -> None:
    for slave in SLAVES:
        put(fake, slave)
    barrier, summing = Barrier(TRAIN, SLAVES), Reduction(SCHEMA)
    barrier.arrived = {"0", "2", "3"}
    assert not summing.advance(barrier, store)
    assert summing.counted == ["0"]
    barrier.arrived.add("1")
    assert not summing.advance(barrier, store)
    assert summing.counted == ["0", "1", "2", "3"]
    assert store.fetched == [["0"], ["1", "2", "3"]]


def test_who_is_missing_at_the_close_is_passed_over(fake: Redis, store: Recording) -> None:
    put(fake, "1")
    put(fake, "10")
    barrier, summing = Barrier(TRAIN, SLAVES), Reduction(SCHEMA)
    barrier.arrived = {"1", "10"}
    assert not summing.advance(barrier, store)
    assert summing.counted == []
    barrier.closed = True
    assert summing.advance(barrier, store)
    assert summing.counted == ["1", "10"]
    assert SCHEMA.encode(summing.total) == in_order(("1", "10"))
    assert summing.advance(barrier, store)
    assert summing.samples == 20


def test_updates_are_fetched_a_few_at_a_time(
    fake: Redis, store: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reduction, "FETCH_BYTES", 2 * SCHEMA.nbytes)
    for slave in SLAVES:
        put(fake, slave)
    barrier, summing = Barrier(TRAIN, SLAVES), Reduction(SCHEMA)
    barrier.arrived = set(SLAVES)
    assert summing.advance(barrier, store)
    assert store.fetched == [["0", "1"], ["2", "3"], ["10"]]
    monkeypatch.setattr(reduction, "FETCH_BYTES", 1)
    store.fetched = []
    assert Reduction(SCHEMA).advance(barrier, store)
    assert store.fetched == [[slave] for slave in SLAVES]


def changed(values: object) -> bytes:
    weights, rows = arrays("2")
    weights[1, 2] = values
    return SCHEMA.encode([weights, rows])


GOOD = SCHEMA.encode(arrays("2"))


@pytest.mark.parametrize(
    ("samples", "blob", "reason"),
    [
        (10, changed(np.nan), "array 'weights' is not finite"),
        (10, changed(np.inf), "array 'weights' is not finite"),
        (10, changed(-np.inf), "array 'weights' is not finite"),
        (10, GOOD[:-8], "48 bytes where 56 are expected"),
        (10, GOOD + b"\0" * 8, "64 bytes where 56 are expected"),
        (10, GOOD[:-1] + b"!", "the checksum does not match"),
        (10, b"", "not a fedredis blob"),
        (10, b"\x80\x04K\x01.", "not a fedredis blob"),
        (-1, GOOD, "a negative number of rows, -1"),
        ("many", GOOD, "number of rows"),
        ("1.5", GOOD, "number of rows"),
        ("9" * 400, GOOD, "number of rows"),
    ],
    ids=[
        *("nan", "infinity", "minus infinity", "truncated", "trailing", "damaged", "empty"),
        *("pickle", "negative rows", "rows in words", "fraction of rows", "too many rows"),
    ],
)
def test_an_update_that_is_refused_is_not_in_the_sum(
    fake: Redis, store: Recording, samples: object, blob: bytes, reason: str
) -> None:
    for slave in SLAVES:
        put(fake, slave)
    put(fake, "2", samples, blob)
    barrier, summing = Barrier(TRAIN, SLAVES), Reduction(SCHEMA)
    barrier.arrived = set(SLAVES)
    assert summing.advance(barrier, store)
    assert summing.counted == ["0", "1", "3", "10"]
    assert list(summing.refused) == ["2"]
    assert reason in summing.refused["2"]
    assert summing.samples == 40
    assert SCHEMA.encode(summing.total) == in_order(("0", "1", "3", "10"))


def test_finite_updates_whose_sum_is_not(fake: Redis, store: Recording) -> None:
    for slave in SLAVES:
        put(fake, slave)
    for slave in ("1", "2"):
        put(fake, slave, blob=changed(1.5e308))
    barrier, summing = Barrier(TRAIN, SLAVES), Reduction(SCHEMA)
    barrier.arrived = set(SLAVES)
    assert summing.advance(barrier, store)
    assert np.isfinite(summing.total[0]).all()
    assert summing.refused


def test_checked_gives_the_arrays() -> None:
    for back, array in zip(checked(SCHEMA, Update("2", 0, GOOD)), arrays("2"), strict=True):
        np.testing.assert_array_equal(back, array)
    with pytest.raises(UpdateRefusedError, match="not a fedredis blob"):
        checked(SCHEMA, Update("2", 0, b"?"))
