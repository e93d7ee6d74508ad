from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fedredis.barrier import Barrier
from fedredis.keys import Kind, Label
from fedredis.store.master import Event, MasterStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from fedredis.store.slave import SlaveStore

TRAIN = Label(Kind.TRAIN, 1)
ARRIVED = Event(b"1-1", "arrived", "train:1", "0")


@pytest.fixture
def opened(master: MasterStore) -> MasterStore:
    master.open_round(TRAIN, ("0", "1", "10"), quorum=1, timeout_ms=60_000, extra={})
    return master


@pytest.fixture
def barrier() -> Barrier:
    return Barrier(TRAIN, ("0", "1", "10"))


def submit(slave: SlaveStore, *ids: str) -> None:
    claim = slave.claim(TRAIN, ids, take_any=False, count=3)
    for one in ids:
        slave.submit(claim, one, 1, b"", {})


def test_a_new_barrier_misses_all_in_order(barrier: Barrier) -> None:
    assert barrier.missing == ["0", "1", "10"]
    assert (barrier.closed, barrier.failed) == (False, False)


def test_an_arrival_told_twice_is_one(barrier: Barrier, opened: MasterStore) -> None:
    for _ in range(3):
        barrier.see(ARRIVED, opened)
    assert barrier.missing == ["1", "10"]
    assert barrier.closed is False


@pytest.mark.parametrize(
    "other",
    [
        {"round": "train:11"},
        {"round": "evaluate:1"},
        {"round": None},
        {"type": "duplicate"},
        {"type": "late"},
        {"type": "failed"},
        {"type": "reclaimed"},
        {"slave": None},
    ],
)
def test_other_events_tell_nothing(
    barrier: Barrier, opened: MasterStore, other: dict[str, str | None]
) -> None:
    barrier.see(replace(ARRIVED, **other), opened)
    assert barrier.missing == ["0", "1", "10"]


def test_events_of_a_whole_round(
    barrier: Barrier, opened: MasterStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    cursor = opened.last_event()
    submit(make_slave("w-1"), "10", "0", "1")
    first, second, last = opened.wait(cursor, 10)
    barrier.see(first, opened)
    assert (barrier.arrived, barrier.closed) == ({"10"}, False)
    barrier.see(second, opened)
    barrier.see(last, opened)
    assert (barrier.missing, barrier.closed, barrier.failed) == ([], True, False)


def test_closed_is_never_believed_but_looked_up(barrier: Barrier, opened: MasterStore) -> None:
    barrier.see(Event(b"1-1", "closed", "train:1", "0"), opened)
    assert (barrier.closed, barrier.arrived) == (False, set())


def test_a_look_makes_up_for_lost_events(
    client: Redis, barrier: Barrier, opened: MasterStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    submit(make_slave("w-1"), "1")
    barrier.look(opened)
    assert (barrier.missing, barrier.closed) == (["0", "10"], False)
    client.hset("fedredis:{r1}:round:train:1", "deadline", 1)
    opened.close_if_due(TRAIN)
    barrier.look(opened)
    assert (barrier.missing, barrier.closed) == (["0", "10"], True)


def test_a_failed_round(client: Redis, barrier: Barrier, opened: MasterStore) -> None:
    client.hset("fedredis:{r1}:round:train:1", "state", "failed")
    barrier.see(Event(b"1-1", "closed", "train:1"), opened)
    assert (barrier.closed, barrier.failed) == (False, True)
