"""A server that starts from an older copy of its data, as from a log whose end is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fedredis.arrays import Bundle
from fedredis.errors import StateLostError
from fedredis.keys import RoundName
from fedredis.store import runs
from fedredis.store.results import RoundState, SubmissionState
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


def test_what_is_half_done_is_listed_again_or_removed(bench):
    """A server may do the first commands of a script, and those alone, when it starts again."""
    master, worker, round_ = bench.begin(SLAVES), bench.worker("a"), bench.keys.round(TRAIN)
    master.turn([], [ask(TRAIN)])
    bench.client.rename(*hand_in_half(bench, worker))
    bench.client.zrem(round_.ids, "3")
    assert master.tend(TRAIN, JOB).nowhere == 2
    master.mend(TRAIN, {})
    master.turn([], [ask(TRAIN)])
    assert master.tend(TRAIN, JOB).nowhere == 0
    finish(master, [worker], TRAIN)
    master.turn([committal(SLAVES)], [])
    master.sweep()  # there was none before
    assert bench.client.keys("*:round:*")
    second = bench.master("second")
    second.sweep()
    assert not bench.client.keys("*:round:*")


@pytest.mark.parametrize("token", ["first", "second"])
def test_work_of_a_time_that_is_lost_does_not_count(bench, token):
    """The round that it was for may be for another model by now, whoever is its master."""
    master = bench.begin(token="first")
    copied = copy(bench.client)
    if token == "second":
        master = bench.master("killed")
    master.turn([], [opening(TRAIN)])
    claimed = claim(bench.worker())
    go_back(bench.client, copied)
    if token == "first":
        master.acquire()
    else:
        master = bench.master(token)
    master.turn([], [opening(TRAIN)])
    assert hand(bench.worker(), claimed).state is SubmissionState.STALE
    bench.close(master)


def test_a_round_that_vanishes_while_it_is_fetched(bench):
    """It is lost, which is no failure of the run."""
    master = bench.begin()
    master.turn([], [opening(TRAIN)])
    bench.close(master)
    assert len(list(master.bundles({TRAIN: 0}))) == 1
    bench.client.delete(*bench.client.keys("*:round:*"))
    with pytest.raises(StateLostError, match="bundles that have been counted are gone"):
        master.bundles({TRAIN: 1})


def test_a_commit_that_is_half_done_is_made_whole(bench):
    master = bench.begin()
    master.turn([], [opening(TRAIN)])
    bench.close(master)
    before = runs.read(bench.client, "r1")
    master.turn([committal(3, artifacts=MODEL)], [])
    done = runs.read(bench.client, "r1"), runs.history(bench.client, "r1")
    assert before.round == 0
    bench.client.hset(bench.keys.run, "round", 0)
    bench.client.delete(bench.keys.history)
    second = bench.master("second")
    found = runs.read(bench.client, "r1"), runs.history(bench.client, "r1")
    assert found == done
    second.release("finished")
    assert not bench.client.exists(bench.keys.last, bench.keys.lease)


def hand_in_half(bench: Bench, worker: SlaveStore) -> tuple[str, str]:
    """Claim a slave, and do what `submit` begins with; return its parts, and where they go."""
    round_ = bench.keys.round(TRAIN)
    (slave,) = claim(worker).slaves
    bench.client.hdel(round_.claims, slave)
    bench.client.rpush(round_.staged("a"), b"x")
    return round_.staged("a"), round_.bundle("bundle:a:0-1")


@pytest.mark.parametrize("lost", range(9))
def test_whatever_is_lost_is_done_again(bench, lost):
    client = bench.client
    copies = []
    master, workers = bench.begin(SLAVES), [bench.worker("a"), bench.worker("b")]

    def note():
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
