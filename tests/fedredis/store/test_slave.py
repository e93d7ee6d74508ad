"""What a worker's scripts do on a real server, alone and all at once."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from fedredis.errors import RunNotFoundError
from fedredis.keys import Kind, Label, RunKeys
from fedredis.store.results import Failure, Submission
from fedredis.store.slave import Claim, SlaveStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from fedredis.store.master import MasterStore

TRAIN = Label(Kind.TRAIN, 1)
RUN = "fedredis:{r1}"
ROUND = f"{RUN}:round:train:1"


@pytest.fixture
def open_round(master: MasterStore) -> Callable[..., None]:
    """Return a function that opens the round."""

    def open_it(slaves: int = 3, quorum: int = 3) -> None:
        ids = [str(slave) for slave in range(slaves)]
        master.open_round(TRAIN, ids, quorum=quorum, timeout_ms=60_000, extra={})

    return open_it


@pytest.fixture
def slave(open_round: Callable[..., None], make_slave: Callable[[str], SlaveStore]) -> SlaveStore:
    """Return worker w-1 of an open round of three slaves, all of which it needs."""
    open_round()
    return make_slave("w-1")


def take(store: SlaveStore, *ids: str) -> Claim:
    claim = store.claim(TRAIN, ids, take_any=False, count=len(ids))
    assert claim is not None
    assert claim.slaves == ids
    return claim


def last_event(client: Redis) -> dict[bytes, bytes]:
    entries: Any = client.xrevrange(f"{RUN}:events", count=1)
    return entries[0][1]


# Claiming.


def test_a_claim_takes_slaves_off_the_list(client: Redis, slave: SlaveStore) -> None:
    assert slave.claim(TRAIN, (), take_any=True) == Claim(TRAIN, 1, ("0",))
    assert client.zrange(f"{ROUND}:ids", 0, -1) == [b"1", b"2"]
    worker, ends = client.hget(f"{ROUND}:claims", "0").decode().split()
    seconds, micros = client.time()
    now = seconds * 1000 + micros // 1000
    assert worker == "w-1"
    assert now < int(ends) <= now + 60_000


@pytest.mark.parametrize(
    ("wishes", "take_any", "count", "taken"),
    [
        (("2",), True, 1, ("2",)),
        (("2", "1"), True, 1, ("2",)),
        (("2",), True, 2, ("2", "0")),
        (("9", "2"), True, 5, ("2", "0", "1")),
        (("2", "1"), False, 5, ("2", "1")),
        (("9",), False, 1, ()),
        ((), False, 1, ()),
    ],
)
def test_wishes_come_first(
    slave: SlaveStore,
    wishes: tuple[str, ...],
    take_any: bool,
    count: int,
    taken: tuple[str, ...],
) -> None:
    claim = slave.claim(TRAIN, wishes, take_any=take_any, count=count)
    assert claim == Claim(TRAIN, 1, taken)


def test_ids_come_in_their_order_not_as_text(
    open_round: Callable[..., None], make_slave: Callable[[str], SlaveStore]
) -> None:
    open_round(12, 12)
    claim = make_slave("w-1").claim(TRAIN, (), take_any=True, count=12)
    assert claim.slaves == tuple(str(slave) for slave in range(12))


def test_no_slave_is_claimed_twice(slave: SlaveStore, make_slave: Any) -> None:
    take(slave, "0", "2")
    other = make_slave("w-2")
    assert other.claim(TRAIN, ("0",), take_any=True, count=3).slaves == ("1",)
    assert other.claim(TRAIN, ("0",), take_any=True, count=3) == Claim(TRAIN, 1, ())


def test_a_closed_or_unknown_round_gives_no_claim(
    client: Redis, slave: SlaveStore, snapshot: Callable[[Redis], Any]
) -> None:
    client.hset(ROUND, "state", "closed")
    before = snapshot(client)
    assert slave.claim(TRAIN, ("0",), take_any=True) is None
    assert slave.claim(Label(Kind.TRAIN, 2), ("0",), take_any=True) is None
    assert snapshot(client) == before


def test_renew_prolongs_only_what_the_worker_holds(
    client: Redis, slave: SlaveStore, make_slave: Any
) -> None:
    take(slave, "0", "1")
    take(make_slave("w-11"), "2")
    mine, given_away = "w-1 1000", "w-2 1000"
    client.hset(f"{ROUND}:claims", mapping={"0": mine, "1": given_away})
    others = client.hget(f"{ROUND}:claims", "2")
    assert slave.renew(TRAIN, ("0", "1", "2", "9")) == 1
    worker, ends = client.hget(f"{ROUND}:claims", "0").split()
    assert (worker, int(ends) > 1000) == (b"w-1", True)
    assert client.hmget(f"{ROUND}:claims", "1", "2", "9") == [given_away.encode(), others, None]


def test_a_claim_that_ran_out_goes_to_another_and_counts_once(
    client: Redis, master: MasterStore, slave: SlaveStore, make_slave: Any
) -> None:
    old = take(slave, "0")
    client.hset(f"{ROUND}:claims", "0", "w-1 1")
    assert master.reclaim(TRAIN) == 1
    new = take(make_slave("w-2"), "0")
    assert slave.renew(TRAIN, ("0",)) == 0
    assert slave.submit(old, "0", 10, b"same", {}) is Submission.COUNTED
    assert make_slave("w-2").submit(new, "0", 10, b"same", {}) is Submission.DUPLICATE
    assert client.get(f"{ROUND}:arrived") == b"1"
    assert client.hgetall(f"{ROUND}:claims") == {}


def test_a_duplicate_leaves_neither_a_claim_nor_a_place_on_the_list(
    client: Redis, slave: SlaveStore
) -> None:
    claim = take(slave, "0")
    slave.submit(claim, "0", 10, b"", {})
    client.zadd(f"{ROUND}:ids", {"0": 0})
    assert slave.submit(claim, "0", 10, b"", {}) is Submission.DUPLICATE
    assert client.zrange(f"{ROUND}:ids", 0, -1) == [b"1", b"2"]
    again = take(slave, "1")
    slave.submit(again, "1", 10, b"", {})
    client.hset(f"{ROUND}:claims", "1", "w-2 1")
    assert slave.submit(again, "1", 10, b"", {}) is Submission.DUPLICATE
    assert not client.exists(f"{ROUND}:claims")


# Submitting.


def test_submit(client: Redis, slave: SlaveStore) -> None:
    claim = take(slave, "1")
    result = slave.submit(claim, "1", 42, b"\0blob\xff", {"rows": "42", "host": "h"})
    assert result is Submission.COUNTED
    assert client.hgetall(f"{ROUND}:update:1") == {b"samples": b"42", b"blob": b"\0blob\xff"}
    assert client.get(f"{ROUND}:arrived") == b"1"
    assert client.hgetall(f"{RUN}:slave:1") == {b"updates": b"1", b"rows": b"42", b"host": b"h"}
    assert not client.exists(f"{ROUND}:claims")
    assert client.hget(ROUND, "state") == b"open"
    assert last_event(client) == {b"type": b"arrived", b"round": b"train:1", b"slave": b"1"}


def test_the_last_one_closes_the_barrier(client: Redis, slave: SlaveStore) -> None:
    claim = take(slave, "2", "0", "1")
    results = [slave.submit(claim, one, 1, b"", {}) for one in claim.slaves]
    assert results == [Submission.COUNTED, Submission.COUNTED, Submission.COUNTED_LAST]
    assert client.hget(ROUND, "state") == b"closed"
    assert client.get(f"{ROUND}:arrived") == b"3"
    assert len(client.keys("fedredis:*:round:train:1:update:*")) == 3
    assert not client.exists(f"{RUN}:open", f"{ROUND}:ids", f"{ROUND}:claims")
    assert last_event(client) == {b"type": b"closed", b"round": b"train:1", b"slave": b"1"}


def test_an_update_delivered_twice_counts_once(client: Redis, slave: SlaveStore) -> None:
    claim = take(slave, "0")
    assert slave.submit(claim, "0", 1, b"first", {"rows": "1"}) is Submission.COUNTED
    assert slave.submit(claim, "0", 2, b"second", {"rows": "2"}) is Submission.DUPLICATE
    assert client.hgetall(f"{ROUND}:update:0") == {b"samples": b"1", b"blob": b"first"}
    assert client.get(f"{ROUND}:arrived") == b"1"
    assert client.hmget(f"{RUN}:slave:0", "updates", "rows") == [b"1", b"1"]
    assert last_event(client)[b"type"] == b"duplicate"


def test_the_last_update_delivered_twice_is_late(client: Redis, slave: SlaveStore) -> None:
    claim = take(slave, "0", "1", "2")
    for one in claim.slaves:
        slave.submit(claim, one, 1, b"", {})
    assert slave.submit(claim, "2", 1, b"", {}) is Submission.LATE
    assert client.get(f"{ROUND}:arrived") == b"3"


def test_an_update_to_a_round_that_is_gone_is_late_and_leaves_nothing(
    client: Redis, slave: SlaveStore, master: MasterStore
) -> None:
    claim = take(slave, "0")
    master.commit(TRAIN, entry={}, progress={}, slaves=("0", "1", "2"))
    assert slave.submit(claim, "0", 1, b"", {"rows": "1"}) is Submission.LATE
    assert client.keys("fedredis:*:round:*") == []
    assert not client.exists(f"{RUN}:slave:0")
    assert last_event(client) == {b"type": b"late", b"round": b"train:1", b"slave": b"0"}


def test_an_update_of_another_epoch_is_stale(client: Redis, slave: SlaveStore) -> None:
    take(slave, "0")
    stale = Claim(TRAIN, 7, ("0",))
    assert slave.submit(stale, "0", 1, b"", {}) is Submission.STALE
    assert slave.fail(stale, "0", attempts=1, traceback="boom") is Failure.STALE
    assert not client.exists(f"{ROUND}:update:0", f"{ROUND}:arrived", f"{RUN}:slave:0")
    assert client.hget(ROUND, "given_up") == b"0"


# Failing.


def test_a_failed_slave_is_put_back_until_it_is_given_up(
    client: Redis, slave: SlaveStore, open_round: Callable[..., None]
) -> None:
    client.hset(ROUND, "quorum", 2)
    for attempt in (1, 2):
        claim = take(slave, "1")
        result = slave.fail(claim, "1", attempts=3, traceback=f"boom {attempt}")
        assert result is Failure.PUT_BACK
        assert client.hget(ROUND, "attempts:1") == str(attempt).encode()
        assert client.zscore(f"{ROUND}:ids", "1") == 0
        assert client.hmget(f"{RUN}:slave:1", "error", "failures") == [
            f"boom {attempt}".encode(),
            str(attempt).encode(),
        ]
    assert client.xlen(f"{RUN}:work") == 3
    claim = take(slave, "1")
    assert slave.fail(claim, "1", attempts=3, traceback="boom 3") is Failure.GIVEN_UP
    assert client.hmget(ROUND, "given_up", "state") == [b"1", b"open"]
    assert client.zrange(f"{ROUND}:ids", 0, -1) == [b"0", b"2"]
    assert last_event(client) == {
        b"type": b"failed",
        b"round": b"train:1",
        b"slave": b"1",
        b"attempt": b"3",
    }
    # With the others in, the round has all it can get.
    claim = take(slave, "0", "2")
    assert slave.submit(claim, "0", 1, b"", {}) is Submission.COUNTED
    assert slave.submit(claim, "2", 1, b"", {}) is Submission.COUNTED_LAST


def test_giving_up_the_last_one_closes_a_round_with_a_quorum(
    client: Redis, slave: SlaveStore
) -> None:
    client.hset(ROUND, "quorum", 2)
    claim = take(slave, "0", "1", "2")
    slave.submit(claim, "0", 1, b"", {})
    slave.submit(claim, "2", 1, b"", {})
    assert slave.fail(claim, "1", attempts=1, traceback="boom") is Failure.GIVEN_UP
    assert client.hget(ROUND, "state") == b"closed"
    assert not client.exists(f"{RUN}:open")
    assert last_event(client) == {b"type": b"closed", b"round": b"train:1"}


def test_giving_up_one_too_many_fails_the_round(client: Redis, slave: SlaveStore) -> None:
    claim = take(slave, "0", "1")
    assert slave.fail(claim, "1", attempts=1, traceback="boom") is Failure.GIVEN_UP
    assert client.hget(ROUND, "state") == b"failed"
    assert not client.exists(f"{RUN}:open")
    assert slave.submit(claim, "0", 1, b"", {}) is Submission.LATE
    assert slave.fail(claim, "0", attempts=1, traceback="boom") is Failure.LATE


def test_a_failure_after_the_update_is_in_is_late(client: Redis, slave: SlaveStore) -> None:
    claim = take(slave, "0")
    slave.submit(claim, "0", 1, b"", {})
    assert slave.fail(claim, "0", attempts=1, traceback="boom") is Failure.LATE
    assert client.hget(f"{RUN}:slave:0", "failures") is None
    assert client.zrange(f"{ROUND}:ids", 0, -1) == [b"1", b"2"]


def test_a_failure_delivered_twice_is_one_attempt(client: Redis, slave: SlaveStore) -> None:
    claim = take(slave, "0")
    for _ in range(2):
        assert slave.fail(claim, "0", attempts=3, traceback="boom") is Failure.PUT_BACK
    assert client.hget(ROUND, "attempts:0") == b"1"
    assert client.hget(f"{RUN}:slave:0", "failures") == b"1"


def test_a_last_failure_delivered_twice_gives_up_one_slave(
    client: Redis, slave: SlaveStore
) -> None:
    client.hset(ROUND, "quorum", 2)
    claim = take(slave, "0")
    for _ in range(2):
        assert slave.fail(claim, "0", attempts=1, traceback="boom") is Failure.GIVEN_UP
    assert client.hmget(ROUND, "given_up", "state") == [b"1", b"open"]


def test_a_failure_of_a_lost_claim_leaves_the_new_holder_alone(
    client: Redis, master: MasterStore, slave: SlaveStore, make_slave: Any
) -> None:
    claim = take(slave, "0")
    client.hset(f"{ROUND}:claims", "0", "w-1 1")
    master.reclaim(TRAIN)
    take(make_slave("w-2"), "0")
    held = client.hget(f"{ROUND}:claims", "0")
    slave.fail(claim, "0", attempts=3, traceback="boom")
    assert client.hget(f"{ROUND}:claims", "0") == held
    assert client.zrange(f"{ROUND}:ids", 0, -1) == [b"1", b"2"]


def test_a_slave_that_was_given_up_and_comes_all_the_same_is_not_both(
    client: Redis, slave: SlaveStore, make_slave: Any, master: MasterStore
) -> None:
    client.hset(ROUND, "quorum", 2)
    slow = take(slave, "0")
    client.hset(f"{ROUND}:claims", "0", "w-1 1")
    master.reclaim(TRAIN)
    other = make_slave("w-2")
    assert other.fail(take(other, "0"), "0", attempts=1, traceback="x") is Failure.GIVEN_UP
    assert slave.submit(slow, "0", 1, b"", {}) is Submission.COUNTED
    claim = take(other, "1", "2")
    # Slave 2 is still at work: the round must not close without it.
    assert other.submit(claim, "1", 1, b"", {}) is Submission.COUNTED
    assert other.submit(claim, "2", 1, b"", {}) is Submission.COUNTED_LAST


# All at once.


@pytest.mark.parametrize("seed", range(6))
def test_any_interleaving_counts_each_slave_once(
    client: Redis, master: MasterStore, open_round: Callable[..., None], seed: int
) -> None:
    rng, slaves = random.Random(seed), 25
    open_round(slaves, slaves)
    stores = [SlaveStore(client, master.keys, worker=f"w-{i}", lease_ms=60_000) for i in range(5)]
    at_work: list[tuple[SlaveStore, Claim, str]] = []
    results: Counter[Submission] = Counter()
    steps = 0
    while master.state(TRAIN) == "open":
        steps += 1
        assert steps < 5_000
        action = rng.choice(("claim", "claim", "submit", "submit", "again", "die", "fail"))
        if action == "claim":
            store = rng.choice(stores)
            wishes = [str(rng.randrange(slaves)) for _ in range(rng.randrange(3))]
            claim = store.claim(
                TRAIN, wishes, take_any=rng.random() < 0.8, count=rng.randrange(1, 4)
            )
            assert claim is not None
            at_work += [(store, claim, one) for one in claim.slaves]
        elif action == "die":
            # A worker stops: some of its claims run out, and whoever dies may still submit.
            for one, held in client.hgetall(f"{ROUND}:claims").items():
                if held.startswith(f"w-{rng.randrange(5)} ".encode()):
                    client.hset(f"{ROUND}:claims", one, held.split()[0] + b" 1")
            master.reclaim(TRAIN)
        elif at_work:
            place = rng.randrange(len(at_work))
            store, claim, one = at_work[place]
            if action == "fail":
                store.fail(claim, one, attempts=1_000_000, traceback="boom")
                at_work.pop(place)
                continue
            results[store.submit(claim, one, 1, one.encode(), {})] += 1
            if action == "submit":
                at_work.pop(place)
    for store, claim, one in at_work:
        results[store.submit(claim, one, 1, b"late", {})] += 1
    updates = client.keys("fedredis:*:round:train:1:update:*")
    assert client.hget(ROUND, "state") == b"closed"
    assert len(updates) == slaves
    assert client.get(f"{ROUND}:arrived") == str(slaves).encode()
    assert results[Submission.COUNTED] == slaves - 1
    assert results[Submission.COUNTED_LAST] == 1
    assert results[Submission.STALE] == 0
    for one in range(slaves):
        assert client.hget(f"{ROUND}:update:{one}", "blob") == str(one).encode()
        assert client.hget(f"{RUN}:slave:{one}", "updates") == b"1"
    types = [entry[b"type"] for _, entry in client.xrange(f"{RUN}:events")]
    assert types.count(b"arrived") == slaves - 1
    assert types.count(b"closed") == 1
    assert not client.exists(f"{RUN}:open", f"{ROUND}:ids", f"{ROUND}:claims")


@pytest.mark.parametrize("seed", range(6))
def test_any_interleaving_with_slaves_given_up_adds_up(
    client: Redis, master: MasterStore, open_round: Callable[..., None], seed: int
) -> None:
    rng, slaves, quorum, attempts = random.Random(seed), 12, 6, 2
    open_round(slaves, quorum)
    stores = [SlaveStore(client, master.keys, worker=f"w-{i}", lease_ms=60_000) for i in range(3)]
    at_work: list[tuple[SlaveStore, Claim, str]] = []
    given_up: set[str] = set()
    steps = 0
    while master.state(TRAIN) == "open":
        steps += 1
        assert steps < 5_000
        action = rng.choice(("claim", "submit", "fail", "fail again", "die"))
        if action == "claim":
            store = rng.choice(stores)
            claim = store.claim(TRAIN, (), take_any=True, count=2)
            at_work += [(store, claim, one) for one in claim.slaves]
        elif action == "die":
            for one, held in client.hgetall(f"{ROUND}:claims").items():
                if rng.random() < 0.2:
                    client.hset(f"{ROUND}:claims", one, held.split()[0] + b" 1")
            master.reclaim(TRAIN)
        elif at_work:
            store, claim, one = at_work.pop(rng.randrange(len(at_work)))
            if action == "submit":
                store.submit(claim, one, 1, b"", {})
                given_up.discard(one)
                continue
            for _ in range(1 + (action == "fail again")):
                answer = store.fail(claim, one, attempts=attempts, traceback="boom")
                given_up |= {one} if answer is Failure.GIVEN_UP else set()
        in_now = len(client.keys("fedredis:*:round:train:1:update:*"))
        assert int(client.get(f"{ROUND}:arrived") or 0) == in_now
        assert int(client.hget(ROUND, "given_up")) == len(given_up)
    arrived = int(client.get(f"{ROUND}:arrived") or 0)
    lost = int(client.hget(ROUND, "given_up"))
    assert lost == len(given_up)
    if client.hget(ROUND, "state") == b"closed":
        assert arrived >= quorum
        assert arrived + lost == slaves
    else:
        assert slaves - lost < quorum


# Looking, waiting, staying.


def test_open_rounds_oldest_first(client: Redis, slave: SlaveStore) -> None:
    client.zadd(f"{RUN}:open", {"evaluate:1": 1})
    state = slave.open_rounds()
    assert state.labels == (Label(Kind.EVALUATE, 1), TRAIN)
    assert state.cursor == client.xrange(f"{RUN}:work")[-1][0]


def test_wait_for_work(client: Redis, slave: SlaveStore, master: MasterStore) -> None:
    cursor = slave.open_rounds().cursor
    nothing = slave.wait_for_work(cursor, 0)
    assert (nothing.labels, nothing.cursor) == ((), cursor)
    for number in (2, 3, 2):
        master.open_round(Label(Kind.TRAIN, number), ("0",), quorum=1, timeout_ms=900, extra={})
    state = slave.wait_for_work(cursor, 10)
    assert state.labels == (Label(Kind.TRAIN, 2), Label(Kind.TRAIN, 3))
    master.release("finished")
    over = slave.wait_for_work(state.cursor, 10)
    assert over.labels == ()
    assert over.cursor == client.xrange(f"{RUN}:work")[-1][0]


def test_attach_lasts_for_the_lease(client: Redis, slave: SlaveStore) -> None:
    slave.attach(Kind.TRAIN)
    ((worker, until),) = client.zrange(f"{RUN}:attached:train", 0, -1, withscores=True)
    seconds, _ = client.time()
    assert worker == b"w-1"
    assert seconds * 1000 < until <= (seconds + 61) * 1000
    slave.detach(Kind.TRAIN)
    assert not client.exists(f"{RUN}:attached:train")


def test_what_a_worker_reads(client: Redis, slave: SlaveStore) -> None:
    assert slave.round_fields(TRAIN)["state"] == "open"
    assert slave.round_fields(Label(Kind.TRAIN, 9)) == {}
    assert slave.artifact("preprocessing:0").named == {}
    assert slave.artifact("model:9") is None
    assert slave.config().encode() == client.hget(RUN, "config")
    with pytest.raises(RunNotFoundError, match="there is no run r2"):
        SlaveStore(client, RunKeys("r2"), worker="w", lease_ms=1).config()
