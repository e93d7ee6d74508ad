"""A server that starts from an older copy of its data, as from a log whose end is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fedredis.arrays import Bundle
from fedredis.errors import StateLostError
from fedredis.keys import RoundName
from fedredis.store import runs
from fedredis.store.results import RoundState
from tests.fedredis.store.conftest import (
    JOB,
    MODEL,
    SCHEMA,
    TRAIN,
    Bench,
    claim,
    committal,
    hand,
    opening,
)

if TYPE_CHECKING:
    from redis import Redis

    from fedredis.store.master import MasterStore
    from fedredis.store.slave import SlaveStore

NEXT = RoundName("train", 2)
SLAVES = 8


def copy(client: Redis) -> dict[bytes, bytes]:
    return {key: client.dump(key) for key in client.scan_iter()}


def go_back(client: Redis, copied: dict[bytes, bytes]) -> None:
    client.flushall()
    for key, value in copied.items():
        client.restore(key, 0, value)


def ask(name: RoundName):
    reads = {"model": "model:1"} if name == NEXT else {}
    return opening(name, expected=SLAVES, quorum=SLAVES, reads=reads)


def finish(master: MasterStore, workers: list[SlaveStore], name: RoundName) -> None:
    """Work until the round is closed, and see that everyone is counted once."""
    for _ in range(20):
        for worker in workers:
            if claimed := claim(worker, name=name, least=2, most=2):
                hand(worker, claimed)
    tending = master.tend(name, JOB)
    assert (tending.state, tending.arrived) == (RoundState.CLOSED, SLAVES)
    found = [Bundle.of(SCHEMA, parts) for _, _, parts in master.bundles({name: 0})]
    counted = [slave for bundle in found for slave in bundle.slaves]
    assert sorted(counted, key=int) == [str(slave) for slave in range(SLAVES)]
    assert sum(int(bundle.arrays[0][0]) for bundle in found) == SLAVES


@pytest.mark.parametrize("lost", range(9))
def test_whatever_is_lost_is_done_again(bench: Bench, lost: int) -> None:
    client = bench.client
    copies = []
    master, workers = bench.begin(SLAVES), [bench.worker("a"), bench.worker("b")]

    def note() -> None:
        copies.append(copy(client))

    note()
    master.turn([], [ask(TRAIN)])
    note()
    for worker in workers:
        claimed = claim(worker, least=2, most=2)
        note()
        hand(worker, claimed)
        note()
    finish(master, workers, TRAIN)
    note()
    master.turn([committal(SLAVES, artifacts=MODEL)], [ask(NEXT)])
    note()
    claim(workers[0], name=NEXT)
    note()
    master.tend(NEXT, JOB)
    go_back(client, copies[lost])
    with pytest.raises(StateLostError):
        master.tend(NEXT, JOB)
    # As a master does: take the lease anew, and go on from what Redis says.
    client.delete(bench.keys.lease)
    master.acquire()
    if runs.read(client, "r1").round == 0:
        assert master.turn([], [ask(TRAIN)])[0].adopted is (lost > 0)
        finish(master, workers, TRAIN)
        master.turn([committal(SLAVES, artifacts=MODEL)], [])
    master.turn([], [ask(NEXT)])
    finish(master, workers, NEXT)
    master.turn([committal(SLAVES, NEXT)], [])
    assert not client.keys("*:round:*")
