"""What a master's scripts do, on a real server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis import codec
from fedredis.codec import Schema
from fedredis.errors import (
    LeaseHeldError,
    LeaseLostError,
    RunNotFoundError,
    UpdateRefusedError,
)
from fedredis.keys import Kind, Label, RunKeys
from fedredis.store import master as master_module
from fedredis.store import parts, runs
from fedredis.store.artifact import Artifact
from fedredis.store.master import Event, MasterStore, Tending
from fedredis.store.results import Commit, Failure, Opening, RoundState, Submission
from fedredis.store.slave import Packed
from fedredis.update import Update, pack, pack_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redis import Redis

    from fedredis.config import RunConfig
    from fedredis.store.slave import SlaveStore

TRAIN = Label(Kind.TRAIN, 1)
RUN = "fedredis:{r1}"
ROUND = f"{RUN}:round:train:1"
MODEL = Artifact(Schema.of(weights=np.zeros(2)), [np.array([1.5, -2])])


def open_round(master: MasterStore, **changes: Any) -> Opening:
    given = {"quorum": 2, "timeout_ms": 60_000, "extra": {"payload": "model:0"}, **changes}
    return master.open_round(TRAIN, given.pop("slaves", ("0", "1", "2")), **given)


def submit(slave: SlaveStore, *ids: str) -> list[Submission]:
    every = len(ids)
    claim = slave.claim(TRAIN, ids, attached=Kind.TRAIN, take_any=False, least=every, most=every)
    assert claim is not None
    assert claim.slaves == ids
    return slave.submit(claim, [Packed(one, b"of " + one.encode(), ()) for one in ids], ())


def tend(master: MasterStore, label: Label = TRAIN) -> Tending:
    return master.tend(label, Kind.TRAIN)


def events(client: Redis) -> list[dict[bytes, bytes]]:
    entries: Any = client.xrange(f"{RUN}:events")
    return [entry for _, entry in entries]


# The lease.


def test_acquire_takes_the_lease_and_a_new_epoch(
    client: Redis, make_master: Callable[[str], MasterStore]
) -> None:
    client.hset(RUN, mapping={"status": "failed", "error": "what was"})
    make_master("me").acquire()
    assert client.get(f"{RUN}:lease") == b"me"
    assert 0 < client.pttl(f"{RUN}:lease") <= 60_000
    assert client.hmget(RUN, "epoch", "status", "error") == [b"1", b"running", b""]


def test_acquire_of_a_held_lease(
    client: Redis,
    master: MasterStore,
    make_master: Callable[[str], MasterStore],
    snapshot: Callable[[Redis], Any],
) -> None:
    before = snapshot(client)
    with pytest.raises(LeaseHeldError, match="another master is driving run r1"):
        make_master("other").acquire()
    assert snapshot(client) == before


def test_acquire_twice_by_the_same_token_is_one_epoch(
    client: Redis, master: MasterStore, make_master: Callable[[str], MasterStore]
) -> None:
    master.acquire()
    make_master("first").acquire()
    assert client.hget(RUN, "epoch") == b"1"
    tend(master)


def test_each_master_has_an_epoch_of_its_own(
    client: Redis, make_master: Callable[[str], MasterStore]
) -> None:
    for epoch in (1, 2, 3):
        make_master(f"master {epoch}").acquire()
        assert client.hget(RUN, "epoch") == str(epoch).encode()
        client.delete(f"{RUN}:lease")


def test_acquire_of_no_run_writes_nothing(client: Redis) -> None:
    master = MasterStore(client, RunKeys("r2"), token="me", lease_ms=60_000)
    with pytest.raises(RunNotFoundError, match="there is no run r2"):
        master.acquire()
    assert client.dbsize() == 0


@pytest.mark.parametrize("state", ["open", "closed", "failed", None])
def test_tending_prolongs_the_lease(client: Redis, master: MasterStore, state: str | None) -> None:
    if state:
        open_round(master)
        client.hset(ROUND, "state", state)
    client.pexpire(f"{RUN}:lease", 5_000)
    tend(master)
    assert client.pttl(f"{RUN}:lease") > 5_000


def test_tending_after_the_lease_ran_out_and_nobody_took_it(
    client: Redis, master: MasterStore
) -> None:
    client.delete(f"{RUN}:lease")
    tend(master)
    assert client.get(f"{RUN}:lease") == b"first"
    assert client.pttl(f"{RUN}:lease") > 0
    assert client.hget(RUN, "epoch") == b"1"


def test_release_says_how_it_ended(
    client: Redis, master: MasterStore, make_master: Callable[[str], MasterStore]
) -> None:
    master.release("failed", "no slave came")
    assert client.hmget(RUN, "status", "error") == [b"failed", b"no slave came"]
    seconds, _ = client.time()
    assert 0 <= seconds - int(client.hget(RUN, "ended")) // 1000 < 60
    assert not client.exists(f"{RUN}:lease")
    assert client.xrange(f"{RUN}:work")[-1][1] == {b"round": b""}
    assert events(client)[-1] == {b"type": b"failed", b"error": b"no slave came"}
    make_master("next").acquire()
    assert client.hget(RUN, "epoch") == b"2"


def test_what_happened_on_the_way_is_kept_for_a_day(
    client: Redis, master: MasterStore, make_master: Callable[[str], MasterStore]
) -> None:
    streams = (f"{RUN}:work", f"{RUN}:events")
    open_round(master)
    assert [client.ttl(key) for key in streams] == [-1, -1]
    master.release("stopped")
    assert [86_390 < client.ttl(key) <= 86_400 for key in streams] == [True, True]
    assert client.ttl(RUN) == -1
    # A run that goes on needs them again.
    make_master("next").acquire()
    assert [client.ttl(key) for key in streams] == [-1, -1]


def test_a_run_that_never_had_a_round_can_be_released_and_taken_up_again(
    client: Redis, master: MasterStore, make_master: Callable[[str], MasterStore]
) -> None:
    master.release("stopped")
    client.delete(f"{RUN}:work", f"{RUN}:events")
    make_master("next").acquire()
    assert not client.exists(f"{RUN}:work", f"{RUN}:events")


@pytest.fixture
def flush(client: Redis) -> Iterator[Callable[[str], None]]:
    """Return a function that says when the server puts its file on the disk."""
    (before,) = client.config_get("appendfsync").values()

    def set_to(when: str) -> None:
        client.config_set("appendfsync", when)

    yield set_to
    client.config_set("appendfsync", before)


def test_the_end_of_a_run_is_on_the_disk(
    master: MasterStore, flush: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(master_module, "DISK_WAIT_MS", 60_000)
    flush("always")
    assert master.release("finished") is True


def test_a_disk_that_does_not_answer_in_time_is_told_of(
    client: Redis, master: MasterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def too_slow(*args: object) -> list[int]:
        asked.append((args, client.hget(RUN, "status")))
        return [0, 0]

    monkeypatch.setattr(client, "waitaof", too_slow)
    assert master.release("finished") is False
    assert asked == [((1, 0, master_module.DISK_WAIT_MS), b"finished")]


def test_a_server_without_a_file_has_nothing_to_wait_for(
    client: Redis, master: MasterStore
) -> None:
    client.config_set("appendonly", "no")
    try:
        assert master.release("finished") is True
    finally:
        client.config_set("appendonly", "yes")


def test_a_server_that_cannot_tell_is_believed(
    fake: Redis, make_config: Callable[..., RunConfig]
) -> None:
    runs.create(fake, "r1", make_config(), {})
    store = MasterStore(fake, RunKeys("r1"), token="me", lease_ms=1000)
    store.acquire()
    assert store.release("finished") is True


@pytest.mark.usefixtures("successor")
@pytest.mark.parametrize(
    "write",
    [
        tend,
        lambda master: tend(master, Label(Kind.TRAIN, 2)),
        lambda master: master.refuse(TRAIN, ("0",)),
        lambda master: master.refuse(TRAIN, ()),
        lambda master: master.release("finished"),
        open_round,
        lambda master: open_round(master, slaves=()),
        lambda master: master.commit(
            TRAIN,
            entry={},
            progress={"round": "1"},
            slaves=("0",),
            artifacts={"model:1": MODEL},
            drop=("preprocessing:0",),
        ),
    ],
    ids=[
        *("tend", "tend_no_round", "refuse", "refuse_none", "release", "open_round"),
        *("open_no_round", "commit"),
    ],
)
def test_a_master_of_the_past_writes_nothing(
    client: Redis,
    master: MasterStore,
    write: Callable[[MasterStore], Any],
    snapshot: Callable[[Redis], Any],
) -> None:
    client.hset(ROUND, mapping={"state": "open", "deadline": 1, "quorum": 0})
    client.hset(f"{ROUND}:claims", "0", "w-1 1")
    client.set(f"{ROUND}:arrived", 1)
    client.set(f"{ROUND}:update:0", b"of 0")
    before = snapshot(client)
    with pytest.raises(LeaseLostError, match="another master has taken over run r1"):
        write(master)
    assert snapshot(client) == before
    assert client.get(f"{RUN}:lease") == b"second"


# Opening.


def test_open_round(client: Redis, master: MasterStore) -> None:
    ids = tuple(str(slave) for slave in range(12))
    assert open_round(master, slaves=ids) is Opening.OPENED
    stored = client.hgetall(ROUND)
    opened, deadline = int(stored.pop(b"opened")), int(stored.pop(b"deadline"))
    assert deadline - opened == 60_000
    assert stored == {
        b"state": b"open",
        b"epoch": b"1",
        b"expected": b"12",
        b"quorum": b"2",
        b"given_up": b"0",
    }
    assert client.hgetall(f"{ROUND}:task") == {b"payload": b"model:0"}
    assert client.zrange(f"{ROUND}:ids", 0, -1) == [slave.encode() for slave in ids]
    assert client.zrange(f"{RUN}:open", 0, -1, withscores=True) == [(b"train:1", opened)]
    assert [entry for _, entry in client.xrange(f"{RUN}:work")] == [{b"round": b"train:1"}]
    assert events(client) == [{b"type": b"opened", b"round": b"train:1"}]


def test_a_round_of_many_slaves(client: Redis, master: MasterStore) -> None:
    ids = tuple(str(slave) for slave in range(2_500))
    open_round(master, slaves=ids, quorum=2_500)
    assert client.zrange(f"{ROUND}:ids", 0, -1) == [slave.encode() for slave in ids]
    client.hset(ROUND, mapping={"state": "failed", "attempts:2400": 3, "given_up:2400": 1})
    client.hset(ROUND, mapping={"attempts:0": 1, "given_up": 1})
    client.delete(f"{ROUND}:ids")
    assert open_round(master, slaves=ids) is Opening.ADOPTED
    assert client.zrange(f"{ROUND}:ids", 0, -1) == [slave.encode() for slave in ids]
    assert client.hmget(ROUND, "attempts:2400", "given_up:2400", "attempts:0") == [None] * 3
    assert client.hget(ROUND, "given_up") == b"0"
    client.mset({f"{ROUND}:update:{slave}": b"" for slave in ids})
    assert master.commit(TRAIN, entry={}, progress={}, slaves=ids) is Commit.COMMITTED
    assert client.keys(f"{ROUND}*".replace("{", r"\{")) == []


def test_a_later_master_adopts_a_round_as_it_stands(
    client: Redis,
    master: MasterStore,
    make_master: Callable[[str], MasterStore],
    make_slave: Callable[[str], SlaveStore],
) -> None:
    open_round(master)
    slave = make_slave("w-1")
    submit(slave, "1")
    slave.claim(TRAIN, ("2",), attached=Kind.TRAIN, take_any=False)
    client.hset(ROUND, "deadline", 1)
    client.delete(f"{RUN}:lease")
    later = make_master("later")
    later.acquire()
    assert open_round(later, quorum=1, extra={"payload": "other"}) is Opening.ADOPTED
    assert client.hmget(ROUND, "epoch", "quorum") == [b"1", b"2"]
    assert client.hgetall(f"{ROUND}:task") == {b"payload": b"model:0"}
    assert client.zrange(f"{ROUND}:ids", 0, -1) == [b"0"]
    assert list(client.hgetall(f"{ROUND}:claims")) == [b"2"]
    assert client.get(f"{ROUND}:arrived") == b"1"
    assert int(client.hget(ROUND, "deadline")) > int(client.hget(ROUND, "opened"))
    assert [entry for _, entry in client.xrange(f"{RUN}:work")] == [{b"round": b"train:1"}] * 2


def test_a_closed_round_is_adopted_closed(
    client: Redis, master: MasterStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    open_round(master)
    submit(make_slave("w-1"), "0", "1", "2")
    assert open_round(master) is Opening.ADOPTED
    assert client.hget(ROUND, "state") == b"closed"
    assert not client.exists(f"{ROUND}:ids", f"{RUN}:open")


def test_a_failed_round_starts_over_with_those_who_are_missing(
    client: Redis, master: MasterStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    open_round(master, quorum=3)
    slave = make_slave("w-1")
    submit(slave, "0")
    claim = slave.claim(TRAIN, ("1",), attached=Kind.TRAIN, take_any=False)
    assert slave.fail(claim, "1", attempts=1, traceback="boom") is Failure.GIVEN_UP
    assert client.hget(ROUND, "state") == b"failed"
    assert open_round(master, quorum=3) is Opening.ADOPTED
    assert client.hmget(ROUND, "state", "given_up", "attempts:1") == [b"open", b"0", None]
    assert client.zrange(f"{RUN}:open", 0, -1) == [b"train:1"]
    # Who is in already may be asked again, and is a duplicate.
    assert submit(slave, "0") == [Submission.DUPLICATE]
    assert not client.exists(f"{ROUND}:claims")
    assert client.zrange(f"{ROUND}:ids", 0, -1) == [b"1", b"2"]
    assert submit(slave, "1", "2") == [Submission.COUNTED, Submission.COUNTED_LAST]
    assert client.get(f"{ROUND}:arrived") == b"3"


# Leases of workers.


def test_tending_puts_back_those_whose_lease_ended(
    client: Redis, master: MasterStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    open_round(master)
    make_slave("w 1").claim(TRAIN, (), attached=Kind.TRAIN, take_any=True, least=2, most=2)
    untouched = events(client)
    assert tend(master) == Tending(RoundState.OPEN, 0, ())
    assert events(client) == untouched
    assert client.xlen(f"{RUN}:work") == 1
    client.hset(f"{ROUND}:claims", "1", "w 1 1000")
    assert tend(master) == Tending(RoundState.OPEN, 0, ())
    assert list(client.hgetall(f"{ROUND}:claims")) == [b"0"]
    assert client.zrange(f"{ROUND}:ids", 0, -1) == [b"1", b"2"]
    assert events(client)[-1] == {
        b"type": b"reclaimed",
        b"round": b"train:1",
        b"slave": b"1",
        b"worker": b"w 1",
    }
    assert client.xlen(f"{RUN}:work") == 2
    other = make_slave("w-2").claim(TRAIN, (), attached=Kind.TRAIN, take_any=True)
    assert other.slaves == ("1",)


def test_all_that_ran_out_go_back_in_one_look(
    client: Redis, master: MasterStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    ids = tuple(str(slave) for slave in range(30))
    open_round(master, slaves=ids)
    make_slave("w-1").claim(TRAIN, ids, attached=Kind.TRAIN, take_any=False, least=30, most=30)
    client.hset(f"{ROUND}:claims", mapping=dict.fromkeys(ids, "w-1 1"))
    tend(master)
    assert not client.exists(f"{ROUND}:claims")
    assert client.zcard(f"{ROUND}:ids") == 30
    assert [e[b"type"] for e in events(client)].count(b"reclaimed") == 30
    assert client.xlen(f"{RUN}:work") == 2  # woken once


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("closed", RoundState.CLOSED),
        ("failed", RoundState.BELOW_QUORUM),
        (None, RoundState.BELOW_QUORUM),
    ],
)
def test_tending_a_round_that_is_over_changes_nothing(
    client: Redis,
    master: MasterStore,
    snapshot: Callable[[Redis], Any],
    state: str | None,
    found: RoundState,
) -> None:
    if state:
        client.hset(ROUND, mapping={"state": state, "deadline": 1, "quorum": 1})
    client.hset(f"{ROUND}:claims", "1", "w-1 1000")
    client.set(f"{ROUND}:arrived", 2)
    before = snapshot(client)
    assert tend(master) == Tending(found, 2, ())
    assert snapshot(client) == before


def test_at_the_deadline_nobody_is_put_back(
    client: Redis, master: MasterStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    open_round(master, quorum=1)
    slave = make_slave("w-1")
    submit(slave, "0")
    slave.claim(TRAIN, ("1",), attached=Kind.TRAIN, take_any=False)
    client.hset(f"{ROUND}:claims", "1", "w-1 1")
    client.hset(ROUND, "deadline", 1)
    assert tend(master) == Tending(RoundState.CLOSED, 1, ())
    assert client.zrange(f"{ROUND}:ids", 0, -1) == [b"2"]
    assert b"reclaimed" not in [e[b"type"] for e in events(client)]


def test_tending_tells_who_is_attached(
    client: Redis, master: MasterStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    open_round(master)
    make_slave("w-1").attach(Kind.TRAIN)
    make_slave("w-2").attach(Kind.TRAIN)
    make_slave("w-3").attach(Kind.EVALUATE)
    client.zadd(f"{RUN}:attached:train", {"dead": 1000})
    assert set(tend(master).attached) == {"w-1", "w-2"}
    assert client.zscore(f"{RUN}:attached:train", "dead") is None
    assert master.tend(TRAIN, Kind.EVALUATE).attached == ("w-3",)
    assert master.tend(TRAIN, Kind.STATISTICS).attached == ()


# Closing.


@pytest.mark.parametrize(
    ("deadline", "arrived", "state"),
    [
        ("9999999999999", ("0", "1"), RoundState.OPEN),
        ("1", ("0",), RoundState.BELOW_QUORUM),
        ("1", (), RoundState.BELOW_QUORUM),
        ("1", ("0", "1"), RoundState.CLOSED),
        ("1", ("0", "1", "2"), RoundState.CLOSED),  # the last one closed it
        ("9999999999999", ("0", "1", "2"), RoundState.CLOSED),
    ],
)
def test_tending_closes_a_round_that_is_due(
    client: Redis,
    master: MasterStore,
    make_slave: Callable[[str], SlaveStore],
    deadline: str,
    arrived: tuple[str, ...],
    state: RoundState,
) -> None:
    open_round(master)
    submit(make_slave("w-1"), *arrived)
    client.hset(ROUND, "deadline", deadline)
    for _ in range(2):
        assert tend(master) == Tending(state, len(arrived), ())
        closed = state is RoundState.CLOSED
        assert client.hget(ROUND, "state") == (b"closed" if closed else b"open")
        assert client.zrange(f"{RUN}:open", 0, -1) == ([] if closed else [b"train:1"])
        assert [e[b"type"] for e in events(client)].count(b"closed") == closed


def test_nobody_counts_after_the_deadline_closed_the_round(
    client: Redis, master: MasterStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    open_round(master)
    slave = make_slave("w-1")
    late = slave.claim(TRAIN, ("2",), attached=Kind.TRAIN, take_any=False)
    submit(slave, "0", "1")
    client.hset(ROUND, "deadline", 1)
    assert tend(master).state is RoundState.CLOSED
    assert slave.submit(late, [Packed("2", b"of 2", ())], ()) == [Submission.LATE]
    assert client.get(f"{ROUND}:arrived") == b"2"
    assert not client.exists(f"{ROUND}:update:2")


# Refusing.


def test_updates_that_are_refused_are_taken_out(
    client: Redis, master: MasterStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    open_round(master, quorum=3)
    slave = make_slave("w-1")
    submit(slave, "0", "1", "2")
    master.refuse(TRAIN, ("2", "0"))
    assert client.hget(ROUND, "state") == b"failed"
    assert client.get(f"{ROUND}:arrived") == b"1"
    assert master.arrived(TRAIN, ("0", "1", "2")) == {"1"}
    # Told twice, it is done once.
    master.refuse(TRAIN, ("2", "0"))
    assert client.get(f"{ROUND}:arrived") == b"1"
    # Whoever goes on starts it over with those who were refused.
    assert open_round(master, quorum=3) is Opening.ADOPTED
    assert client.hget(ROUND, "state") == b"open"
    assert client.zrange(f"{RUN}:open", 0, -1) == [b"train:1"]
    assert submit(slave, "1", "2", "0") == [
        *(Submission.DUPLICATE, Submission.COUNTED, Submission.COUNTED_LAST)
    ]


def test_a_round_that_refuses_nobody_fails_all_the_same(
    client: Redis, master: MasterStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    open_round(master)
    submit(make_slave("w-1"), "0", "1", "2")
    master.refuse(TRAIN, ())
    assert client.hget(ROUND, "state") == b"failed"
    assert client.get(f"{ROUND}:arrived") == b"3"


# Committing.


def commit(master: MasterStore) -> Commit:
    return master.commit(
        TRAIN,
        entry={"slaves": 2, "missing": ["2"]},
        progress={"round": "1", "model": "model:1"},
        slaves=("0", "1", "2"),
        artifacts={"model:1": MODEL},
        drop=("preprocessing:0",),
    )


def test_commit(
    client: Redis, master: MasterStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    open_round(master)
    slave = make_slave("w-1")
    slave.claim(TRAIN, ("2",), attached=Kind.TRAIN, take_any=False)
    submit(slave, "0", "1")
    client.hset(ROUND, "deadline", 1)
    tend(master)
    assert commit(master) is Commit.COMMITTED
    assert json.loads(client.hget(f"{RUN}:history", "train:1")) == {
        "slaves": 2,
        "missing": ["2"],
    }
    assert client.hmget(RUN, "round", "model", "status") == [b"1", b"model:1", b"running"]
    assert client.hget(f"{RUN}:model:1", "schema") == b'[["weights", "<f8", [2]]]'
    assert client.hget(f"{RUN}:model:1", "blob").endswith(np.array([1.5, -2]).tobytes())
    assert not client.exists(f"{RUN}:preprocessing:0")
    assert client.keys(f"{ROUND}*".replace("{", r"\{")) == []
    assert not client.exists(f"{RUN}:open")
    assert events(client)[-1] == {b"type": b"committed", b"round": b"train:1"}


def test_commit_of_an_open_round_closes_it(client: Redis, master: MasterStore) -> None:
    open_round(master)
    assert commit(master) is Commit.COMMITTED
    assert not client.exists(f"{RUN}:open", ROUND)


def test_commit_without_an_artifact(client: Redis, master: MasterStore) -> None:
    open_round(master)
    master.commit(TRAIN, entry={}, progress={"score": "0.5"}, slaves=())
    assert client.hget(RUN, "score") == b"0.5"
    assert client.hget(RUN, "blob") is None
    assert client.exists(f"{RUN}:preprocessing:0")


def test_a_commit_delivered_twice_is_one(
    client: Redis, master: MasterStore, snapshot: Callable[[Redis], Any]
) -> None:
    open_round(master)
    commit(master)
    before = snapshot(client)
    assert commit(master) is Commit.DUPLICATE
    assert snapshot(client) == before


def test_a_commit_of_no_round_writes_nothing(
    client: Redis, master: MasterStore, snapshot: Callable[[Redis], Any]
) -> None:
    before = snapshot(client)
    assert commit(master) is Commit.STALE
    assert snapshot(client) == before


# Committing what is large.

STAGED = f"{RUN}:staged:first:model:1"


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Let the model be a large one; return its parts."""
    monkeypatch.setattr(codec, "LARGE_BYTES", 15)
    monkeypatch.setattr(codec, "PART_BYTES", 8)
    parts = list(MODEL.schema.encode_parts(MODEL.arrays))
    assert (MODEL.schema.large, len(parts)) == (True, 3)
    return parts


def test_commit_of_a_large_artifact(
    client: Redis, master: MasterStore, large: list[bytes]
) -> None:
    open_round(master)
    assert commit(master) is Commit.COMMITTED
    assert client.hgetall(f"{RUN}:model:1") == {b"schema": b'[["weights", "<f8", [2]]]'}
    assert client.lrange(f"{RUN}:model:1:parts", 0, -1) == large
    assert client.ttl(f"{RUN}:model:1:parts") == -1
    assert not client.exists(STAGED)
    assert client.hmget(RUN, "round", "model") == [b"1", b"model:1"]
    assert runs.artifact(client, "r1", "model:1").sha256 == MODEL.sha256


def test_a_large_artifact_is_dropped_with_its_parts(
    client: Redis, master: MasterStore, large: list[bytes]
) -> None:
    open_round(master)
    commit(master)
    second = Label(Kind.TRAIN, 2)
    master.open_round(second, ("0",), quorum=1, timeout_ms=60_000, extra={})
    answer = master.commit(
        second,
        entry={},
        progress={"model": "model:2"},
        slaves=("0",),
        artifacts={"model:2": MODEL},
        drop=("model:1",),
    )
    assert answer is Commit.COMMITTED
    pattern = f"{RUN}:model:*".replace("{", r"\{")
    assert set(client.keys(pattern)) == {
        *(f"{RUN}:model:2".encode(), f"{RUN}:model:2:parts".encode())
    }


def test_it_is_staged_for_a_while_before_it_is_committed(
    client: Redis, master: MasterStore, large: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    staged: list[Any] = []
    script = master._commit

    def looking(**sent: Any) -> Any:
        there = client.exists(f"{RUN}:model:1", f"{RUN}:model:1:parts")
        staged.append((client.lrange(STAGED, 0, -1), client.ttl(STAGED) > 0, there))
        return script(**sent)

    monkeypatch.setattr(master, "_commit", looking)
    open_round(master)
    commit(master)
    assert staged == [(large, True, 0)]


@pytest.mark.parametrize("why", ["fenced", "duplicate", "stale"])
def test_a_large_artifact_that_is_not_taken_ends_by_itself(
    client: Redis,
    master: MasterStore,
    make_master: Callable[[str], MasterStore],
    large: list[bytes],
    snapshot: Callable[[Redis], Any],
    why: str,
) -> None:
    if why != "stale":
        open_round(master)
    if why == "duplicate":
        commit(master)
    if why == "fenced":
        client.delete(f"{RUN}:lease")
        make_master("second").acquire()
    before = snapshot(client)
    if why == "fenced":
        with pytest.raises(LeaseLostError, match="another master has taken over run r1"):
            commit(master)
    else:
        assert commit(master) is (Commit.DUPLICATE if why == "duplicate" else Commit.STALE)
    after = snapshot(client)
    assert set(after) - set(before) == {STAGED.encode()}
    assert client.lrange(STAGED, 0, -1) == large
    assert 0 < client.ttl(STAGED) <= parts.STAGED_TTL
    del after[STAGED.encode()]
    assert after == before


def test_a_commit_whose_parts_were_lost_writes_nothing(
    client: Redis,
    master: MasterStore,
    large: list[bytes],
    snapshot: Callable[[Redis], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_round(master)
    before = snapshot(client)
    monkeypatch.setattr(parts, "write", lambda client, key, pieces: 3)
    assert commit(master) is Commit.STALE
    assert snapshot(client) == before


def test_a_large_update_is_fetched_part_by_part(
    client: Redis, master: MasterStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    open_round(master)
    slave = make_slave("w-1")
    claim = slave.claim(TRAIN, ("1",), attached=Kind.TRAIN, take_any=False)
    slave.submit(claim, [Packed("1", [b"head", b"1", b"2"], ())], ())
    assert list(master.update_parts(TRAIN, "1")) == [b"head", b"1", b"2"]
    assert list(master.update_parts(TRAIN, "0")) == []
    assert master.arrived(TRAIN, ("0", "1")) == {"1"}
    cursor = master.last_event()
    master.refuse(TRAIN, ("1",))
    assert master.arrived(TRAIN, ("0", "1")) == set()
    assert client.get(f"{ROUND}:arrived") == b"0"
    assert master.wait(cursor, 0) == []


# Looking.


def test_who_has_arrived(
    client: Redis, master: MasterStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    open_round(master)
    submit(make_slave("w-1"), "2", "0")
    assert master.arrived(TRAIN, ("0", "1", "2")) == {"0", "2"}
    assert master.arrived(TRAIN, ("1",)) == set()
    assert master.arrived(TRAIN, ()) == set()
    assert master.updates(TRAIN, ("2", "1", "0")) == [b"of 2", None, b"of 0"]


def test_the_last_line_of_each_error(client: Redis, master: MasterStore) -> None:
    client.hset(f"{RUN}:slave:1", "error", "Traceback:\n  line\nValueError: no\n")
    assert master.last_errors(("0", "1")) == ["slave 1: ValueError: no"]


def test_who_is_attached(
    client: Redis, master: MasterStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    make_slave("w-1").attach(Kind.TRAIN)
    make_slave("w-2").attach(Kind.EVALUATE)
    client.zadd(f"{RUN}:attached:train", {"dead": 1000})
    assert master.attached(Kind.TRAIN) == ["w-1"]
    assert client.zrange(f"{RUN}:attached:train", 0, -1) == [b"w-1"]
    make_slave("w-1").detach(Kind.TRAIN)
    assert master.attached(Kind.TRAIN) == []


def test_events_come_after_the_cursor(
    client: Redis, master: MasterStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    assert master.last_event() == b"0-0"
    open_round(master)
    cursor = master.last_event()
    submit(make_slave("w-1"), "1", "0")
    assert master.wait(cursor, 0) == []  # small updates are no news before the last
    submit(make_slave("w-1"), "2")
    master.commit(TRAIN, entry={}, progress={}, slaves=())
    happened = master.wait(cursor, 10)
    assert [(e.type, e.round) for e in happened] == [
        ("closed", "train:1"),
        ("committed", "train:1"),
    ]
    assert master.wait(happened[0].id, 0) == happened[1:]
    assert master.wait(happened[-1].id, 0) == []
    assert Event(b"1-1", "finished").round is None


# What a strategy remembers: its state, and slaves' last updates.


@pytest.mark.parametrize("limit", [0, 1_000_000], ids=["large", "small"])
def test_a_commit_of_several_artifacts_that_keeps_updates(
    client: Redis,
    master: MasterStore,
    make_slave: Callable[[str], SlaveStore],
    monkeypatch: pytest.MonkeyPatch,
    limit: int,
) -> None:
    monkeypatch.setattr("fedredis.codec.LARGE_BYTES", limit)
    open_round(master)
    slave, schema = make_slave("w-1"), Schema.of(a=np.zeros(3))
    claim = slave.claim(TRAIN, ("0", "1"), attached=Kind.TRAIN, take_any=False, least=2, most=2)
    for name in ("0", "1"):
        update = Update(4 + int(name), [np.arange(3.0) + int(name)])
        packed = pack(schema, update) if limit else pack_parts(schema, update)
        slave.submit(claim, [Packed(name, packed, ())], ())
    client.rpush(f"{RUN}:last:1", b"older")
    state = Artifact(Schema.of(momentum=np.zeros(1)), [np.array([0.25])])
    master.commit(
        TRAIN,
        entry={},
        progress={},
        slaves=("0", "1", "2"),
        artifacts={"model:1": MODEL, "strategy:1": state},
        keep=("0", "1", "2"),
    )
    for name, artifact in (("model:1", MODEL), ("strategy:1", state)):
        assert runs.artifact(client, "r1", name).sha256 == artifact.sha256
    assert client.keys("*:staged:*") == client.keys("*:update:*") == []
    zero, one, two = slave.last_updates(schema, ["0", "1", "2"])
    assert (zero.samples, one.samples, two) == (4, 5, None)
    np.testing.assert_array_equal(one.arrays[0], [1, 2, 3])
    master.release("finished", forget=("0", "1", "2"))
    assert client.keys("*:last:*") == []


def test_a_last_update_that_is_damaged(
    client: Redis, make_slave: Callable[[str], SlaveStore]
) -> None:
    client.set(f"{RUN}:last:0", b"anything")
    with pytest.raises(UpdateRefusedError, match="not a fedredis blob"):
        make_slave("w-1").last_updates(Schema.of(a=np.zeros(3)), ["0"])


def test_a_master_of_the_past_forgets_nothing(
    client: Redis, master: MasterStore, successor: MasterStore
) -> None:
    client.set(f"{RUN}:last:0", b"kept")
    with pytest.raises(LeaseLostError):
        master.release("finished", forget=("0",))
    assert client.get(f"{RUN}:last:0") == b"kept"
