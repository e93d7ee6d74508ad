"""What a master's scripts do, on a real server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis.codec import Schema
from fedredis.errors import LeaseHeldError, LeaseLostError, RunNotFoundError
from fedredis.keys import Kind, Label, RunKeys
from fedredis.store.artifact import Artifact
from fedredis.store.master import Event, MasterStore, Update
from fedredis.store.results import Closing, Commit, Failure, Opening, Submission

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from fedredis.store.slave import SlaveStore

TRAIN = Label(Kind.TRAIN, 1)
RUN = "fedredis:{r1}"
ROUND = f"{RUN}:round:train:1"
MODEL = Artifact(Schema.of(weights=np.zeros(2)), [np.array([1.5, -2])])


def open_round(master: MasterStore, **changes: Any) -> Opening:
    given = {"quorum": 2, "timeout_ms": 60_000, "extra": {"payload": "model:0"}, **changes}
    return master.open_round(TRAIN, given.pop("slaves", ("0", "1", "2")), **given)


def submit(slave: SlaveStore, *ids: str) -> list[Submission]:
    claim = slave.claim(TRAIN, ids, take_any=False, count=len(ids))
    assert claim is not None
    assert claim.slaves == ids
    return [slave.submit(claim, one, 10, b"blob", {}) for one in ids]


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
    master.renew()


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


def test_renew_prolongs_the_lease(client: Redis, master: MasterStore) -> None:
    client.pexpire(f"{RUN}:lease", 5_000)
    master.renew()
    assert client.pttl(f"{RUN}:lease") > 5_000


def test_renew_after_the_lease_ran_out_and_nobody_took_it(
    client: Redis, master: MasterStore
) -> None:
    client.delete(f"{RUN}:lease")
    master.renew()
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


@pytest.mark.usefixtures("successor")
@pytest.mark.parametrize(
    "write",
    [
        MasterStore.renew,
        lambda master: master.release("finished"),
        open_round,
        lambda master: open_round(master, slaves=()),
        lambda master: master.close_if_due(TRAIN),
        lambda master: master.commit(
            TRAIN,
            entry={},
            progress={"round": "1"},
            slaves=("0",),
            artifact=("model:1", MODEL),
            drop=("preprocessing:0",),
        ),
    ],
    ids=["renew", "release", "open_round", "open_no_round", "close_if_due", "commit"],
)
def test_a_master_of_the_past_writes_nothing(
    client: Redis,
    master: MasterStore,
    write: Callable[[MasterStore], Any],
    snapshot: Callable[[Redis], Any],
) -> None:
    client.hset(ROUND, mapping={"state": "open", "deadline": 1, "quorum": 0})
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
        b"payload": b"model:0",
    }
    assert client.zrange(f"{ROUND}:ids", 0, -1) == [slave.encode() for slave in ids]
    assert client.zrange(f"{RUN}:open", 0, -1, withscores=True) == [(b"train:1", opened)]
    assert [entry for _, entry in client.xrange(f"{RUN}:work")] == [{b"round": b"train:1"}]
    assert events(client) == [{b"type": b"opened", b"round": b"train:1"}]
    assert master.state(TRAIN) == "open"


def test_a_later_master_adopts_a_round_as_it_stands(
    client: Redis,
    master: MasterStore,
    make_master: Callable[[str], MasterStore],
    make_slave: Callable[[str], SlaveStore],
) -> None:
    open_round(master)
    slave = make_slave("w-1")
    submit(slave, "1")
    slave.claim(TRAIN, ("2",), take_any=False)
    client.hset(ROUND, "deadline", 1)
    client.delete(f"{RUN}:lease")
    later = make_master("later")
    later.acquire()
    assert open_round(later, quorum=1, extra={"payload": "other"}) is Opening.ADOPTED
    assert client.hmget(ROUND, "epoch", "quorum", "payload") == [b"1", b"2", b"model:0"]
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
    claim = slave.claim(TRAIN, ("1",), take_any=False)
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


def test_reclaim_puts_back_those_whose_lease_ended(
    client: Redis, master: MasterStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    open_round(master)
    make_slave("w 1").claim(TRAIN, (), take_any=True, count=2)
    assert master.reclaim(TRAIN) == 0
    client.hset(f"{ROUND}:claims", "1", "w 1 1000")
    assert master.reclaim(TRAIN) == 1
    assert list(client.hgetall(f"{ROUND}:claims")) == [b"0"]
    assert client.zrange(f"{ROUND}:ids", 0, -1) == [b"1", b"2"]
    assert events(client)[-1] == {
        b"type": b"reclaimed",
        b"round": b"train:1",
        b"slave": b"1",
        b"worker": b"w 1",
    }
    assert client.xlen(f"{RUN}:work") == 2
    assert make_slave("w-2").claim(TRAIN, (), take_any=True).slaves == ("1",)


def test_reclaim_of_a_round_that_is_over(
    client: Redis, master: MasterStore, snapshot: Callable[[Redis], Any]
) -> None:
    client.hset(ROUND, "state", "closed")
    client.hset(f"{ROUND}:claims", "1", "w-1 1000")
    before = snapshot(client)
    assert master.reclaim(TRAIN) == 0
    assert snapshot(client) == before


# Closing.


@pytest.mark.parametrize(
    ("deadline", "arrived", "closing"),
    [
        ("9999999999999", ("0", "1"), Closing.NOT_YET),
        ("1", ("0",), Closing.BELOW_QUORUM),
        ("1", (), Closing.BELOW_QUORUM),
        ("1", ("0", "1"), Closing.CLOSED),
        ("1", ("0", "1", "2"), Closing.NOT_YET),  # the last one closed it
    ],
)
def test_close_if_due(
    client: Redis,
    master: MasterStore,
    make_slave: Callable[[str], SlaveStore],
    deadline: str,
    arrived: tuple[str, ...],
    closing: Closing,
) -> None:
    open_round(master)
    submit(make_slave("w-1"), *arrived)
    client.hset(ROUND, "deadline", deadline)
    assert master.close_if_due(TRAIN) is closing
    closed = closing is Closing.CLOSED or len(arrived) == 3
    assert client.hget(ROUND, "state") == (b"closed" if closed else b"open")
    assert client.zrange(f"{RUN}:open", 0, -1) == ([] if closed else [b"train:1"])
    assert [e[b"type"] for e in events(client)].count(b"closed") == closed
    assert master.close_if_due(TRAIN) is (Closing.NOT_YET if closed else closing)


def test_nobody_counts_after_the_deadline_closed_the_round(
    client: Redis, master: MasterStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    open_round(master)
    slave = make_slave("w-1")
    late = slave.claim(TRAIN, ("2",), take_any=False)
    submit(slave, "0", "1")
    client.hset(ROUND, "deadline", 1)
    assert master.close_if_due(TRAIN) is Closing.CLOSED
    assert slave.submit(late, "2", 10, b"blob", {}) is Submission.LATE
    assert client.get(f"{ROUND}:arrived") == b"2"
    assert not client.exists(f"{ROUND}:update:2")


# Committing.


def commit(master: MasterStore) -> Commit:
    return master.commit(
        TRAIN,
        entry={"slaves": 2, "missing": ["2"]},
        progress={"round": "1", "model": "model:1"},
        slaves=("0", "1", "2"),
        artifact=("model:1", MODEL),
        drop=("preprocessing:0",),
    )


def test_commit(
    client: Redis, master: MasterStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    open_round(master)
    slave = make_slave("w-1")
    slave.claim(TRAIN, ("2",), take_any=False)
    submit(slave, "0", "1")
    client.hset(ROUND, "deadline", 1)
    master.close_if_due(TRAIN)
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
    master.commit(TRAIN, entry={}, progress={"accuracy": "0.5"}, slaves=())
    assert client.hget(RUN, "accuracy") == b"0.5"
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


# Looking.


def test_who_has_arrived(
    client: Redis, master: MasterStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    assert master.state(TRAIN) is None
    open_round(master)
    submit(make_slave("w-1"), "2", "0")
    assert master.arrived(TRAIN, ("0", "1", "2")) == {"0", "2"}
    assert master.arrived(TRAIN, ("1",)) == set()
    assert master.arrived(TRAIN, ()) == set()
    assert list(master.updates(TRAIN, ("2", "1", "0"))) == [
        Update("2", 10, b"blob"),
        Update("0", 10, b"blob"),
    ]


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
    master: MasterStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    assert master.last_event() == b"0-0"
    open_round(master)
    cursor = master.last_event()
    submit(make_slave("w-1"), "1", "0")
    happened = master.wait(cursor, 10)
    assert [(e.type, e.round, e.slave) for e in happened] == [
        ("arrived", "train:1", "1"),
        ("arrived", "train:1", "0"),
    ]
    assert master.wait(happened[0].id, 0) == happened[1:]
    assert master.wait(happened[-1].id, 0) == []
    assert Event(b"1-1", "finished").round is None
