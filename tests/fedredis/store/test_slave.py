"""What a worker's scripts do on a real server, alone and all at once."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from fedredis.errors import RunNotFoundError
from fedredis.keys import Kind, Label, RunKeys
from fedredis.store import parts
from fedredis.store.results import Failure, Submission
from fedredis.store.slave import Claim, Packed, SlaveStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from redis import Redis

    from fedredis.store.master import MasterStore

TRAIN = Label(Kind.TRAIN, 1)
RUN = "fedredis:{r1}"
ROUND = f"{RUN}:round:train:1"


TASK = {"payload": "model:0"}


@pytest.fixture
def open_round(master: MasterStore) -> Callable[..., None]:
    """Return a function that opens the round."""

    def open_it(slaves: int = 3, quorum: int = 3) -> None:
        ids = [str(slave) for slave in range(slaves)]
        master.open_round(TRAIN, ids, quorum=quorum, timeout_ms=60_000, extra=TASK)

    return open_it


@pytest.fixture
def slave(open_round: Callable[..., None], make_slave: Callable[[str], SlaveStore]) -> SlaveStore:
    """Return worker w-1 of an open round of three slaves, all of which it needs."""
    open_round()
    return make_slave("w-1")


def claim_of(
    store: SlaveStore, wishes: tuple[str, ...] = (), count: int = 1, *, take_any: bool = True
) -> Claim | None:
    """Claim so many slaves, whatever a fair share would be."""
    return store.claim(
        TRAIN, wishes, attached=Kind.TRAIN, take_any=take_any, least=count, most=count
    )


def take(store: SlaveStore, *ids: str) -> Claim:
    claim = claim_of(store, ids, len(ids), take_any=False)
    assert claim is not None
    assert claim.slaves == ids
    return claim


def hand_in(
    store: SlaveStore, claim: Claim, *ids: str, update: bytes | Sequence[bytes] = b"?"
) -> list[Submission]:
    """Submit updates of some slaves in one batch."""
    return store.submit(claim, [Packed(one, update, ()) for one in ids], ())


def tend(master: MasterStore) -> None:
    master.tend(TRAIN, Kind.TRAIN)


def state(client: Redis) -> bytes | None:
    return client.hget(ROUND, "state")


def last_event(client: Redis) -> dict[bytes, bytes]:
    entries: Any = client.xrevrange(f"{RUN}:events", count=1)
    return entries[0][1]


# Claiming.


def test_a_claim_takes_slaves_off_the_list(client: Redis, slave: SlaveStore) -> None:
    claim = slave.claim(TRAIN, (), attached=Kind.TRAIN, take_any=True)
    assert claim == Claim(TRAIN, 1, ("0",))
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
    claim = claim_of(slave, wishes, count, take_any=take_any)
    assert claim == Claim(TRAIN, 1, taken)


def test_ids_come_in_their_order_not_as_text(
    open_round: Callable[..., None], make_slave: Callable[[str], SlaveStore]
) -> None:
    open_round(12, 12)
    claim = claim_of(make_slave("w-1"), count=12)
    assert claim.slaves == tuple(str(slave) for slave in range(12))


def test_no_slave_is_claimed_twice(slave: SlaveStore, make_slave: Any) -> None:
    take(slave, "0", "2")
    other = make_slave("w-2")
    assert claim_of(other, ("0",), 3).slaves == ("1",)
    assert claim_of(other, ("0",), 3) == Claim(TRAIN, 1, ())


def test_a_closed_or_unknown_round_gives_no_claim(
    client: Redis, slave: SlaveStore, snapshot: Callable[[Redis], Any]
) -> None:
    client.hset(ROUND, "state", "closed")
    before = snapshot(client)
    assert claim_of(slave, ("0",)) is None
    unknown = Label(Kind.TRAIN, 2)
    assert slave.claim(unknown, ("0",), attached=Kind.TRAIN, take_any=True) is None
    assert snapshot(client) == before


@pytest.fixture
def shares(
    open_round: Callable[..., None], make_slave: Callable[[str], SlaveStore]
) -> Callable[..., list[tuple[str, ...]]]:
    """Return a function that lets attached workers claim in turn until nothing is left."""

    def claim_in_turn(
        slaves: int, workers: int, least: int, most: int = 256, wishes: tuple[str, ...] = ()
    ) -> list[tuple[str, ...]]:
        open_round(slaves, slaves)
        stores = [make_slave(f"w-{i}") for i in range(workers)]
        for store in stores:
            store.attach(Kind.TRAIN)
        taken: list[tuple[str, ...]] = []
        while True:
            claim = stores[len(taken) % workers].claim(
                TRAIN, wishes, attached=Kind.TRAIN, take_any=True, least=least, most=most
            )
            if not claim.slaves:
                return taken
            taken.append(claim.slaves)

    return claim_in_turn


@pytest.mark.parametrize(
    ("slaves", "workers", "least", "sizes"),
    [
        (10, 2, 6, [5, 5]),
        (10, 2, 256, [5, 5]),
        (10, 3, 6, [4, 4, 2]),
        (10, 2, 3, [3, 3, 3, 1]),
        (10, 1, 256, [10]),
        (3, 5, 256, [1, 1, 1]),
        (10, 2, 1, [3, 2, 2, 1, 1, 1]),
        (40, 2, 1, [10, 8, 6, 4, 3, 3, 2, 1, 1, 1, 1]),
        (40, 2, 3, [10, 8, 6, 4, 3, 3, 3, 3]),
    ],
)
def test_a_claim_is_a_fair_share(
    shares: Callable[..., list[tuple[str, ...]]],
    slaves: int,
    workers: int,
    least: int,
    sizes: list[int],
) -> None:
    taken = shares(slaves, workers, least)
    assert [len(share) for share in taken] == sizes
    # Nobody is left out, nobody is claimed twice, and all in order.
    assert [one for share in taken for one in share] == [str(one) for one in range(slaves)]


def test_a_share_is_never_more_than_the_most(
    shares: Callable[..., list[tuple[str, ...]]],
) -> None:
    assert [len(share) for share in shares(20, 1, 9, 4)] == [4, 4, 4, 4, 4]


def test_a_share_begins_with_the_wishes(shares: Callable[..., list[tuple[str, ...]]]) -> None:
    taken = shares(10, 2, 4, wishes=("7", "99", "3", "9"))
    assert taken == [("7", "3", "9", "0"), ("1", "2", "4", "5"), ("6", "8")]


def test_a_share_of_wishes_alone_is_no_more_than_a_share(
    open_round: Callable[..., None], make_slave: Callable[[str], SlaveStore]
) -> None:
    open_round(10, 10)
    stores = [make_slave(f"w-{i}") for i in range(2)]
    for store in stores:
        store.attach(Kind.TRAIN)
    every = tuple(str(one) for one in range(9, -1, -1))
    claim = stores[0].claim(TRAIN, every, attached=Kind.TRAIN, take_any=False, least=2, most=256)
    assert claim.slaves == ("9", "8", "7")


def test_only_workers_of_that_kind_of_job_share(
    slave: SlaveStore, open_round: Callable[..., None], make_slave: Callable[[str], SlaveStore]
) -> None:
    for i in range(5):
        make_slave(f"w-{i}").attach(Kind.EVALUATE)
    claim = slave.claim(TRAIN, (), attached=Kind.TRAIN, take_any=True, least=3, most=9)
    assert claim.slaves == ("0", "1", "2")


def test_a_claim_of_many_has_one_lease(
    client: Redis, open_round: Callable[..., None], make_slave: Callable[[str], SlaveStore]
) -> None:
    open_round(256, 256)
    claim = claim_of(make_slave("w-1"), count=256)
    assert len(claim.slaves) == 256
    held = client.hgetall(f"{ROUND}:claims")
    assert len(held) == 256
    assert len(set(held.values())) == 1


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
    tend(master)
    new = take(make_slave("w-2"), "0")
    assert slave.renew(TRAIN, ("0",)) == 0
    assert hand_in(slave, old, "0") == [Submission.COUNTED]
    assert hand_in(make_slave("w-2"), new, "0") == [Submission.DUPLICATE]
    assert client.get(f"{ROUND}:arrived") == b"1"
    assert client.hgetall(f"{ROUND}:claims") == {}


def test_a_duplicate_leaves_neither_a_claim_nor_a_place_on_the_list(
    client: Redis, slave: SlaveStore
) -> None:
    claim = take(slave, "0")
    hand_in(slave, claim, "0")
    client.zadd(f"{ROUND}:ids", {"0": 0})
    assert hand_in(slave, claim, "0") == [Submission.DUPLICATE]
    assert client.zrange(f"{ROUND}:ids", 0, -1) == [b"1", b"2"]
    again = take(slave, "1")
    hand_in(slave, again, "1")
    client.hset(f"{ROUND}:claims", "1", "w-2 1")
    assert hand_in(slave, again, "1") == [Submission.DUPLICATE]
    assert not client.exists(f"{ROUND}:claims")


# Submitting.


def test_submit(client: Redis, slave: SlaveStore) -> None:
    claim = take(slave, "1")
    before = last_event(client)
    updates = [Packed("1", b"\0blob\xff", ("42", "h"))]
    assert slave.submit(claim, updates, ("rows", "host")) == [Submission.COUNTED]
    assert client.get(f"{ROUND}:update:1") == b"\0blob\xff"
    assert client.get(f"{ROUND}:arrived") == b"1"
    assert client.hgetall(f"{RUN}:slave:1") == {
        b"round": b"train:1",
        b"worker": b"w-1",
        b"rows": b"42",
        b"host": b"h",
    }
    assert not client.exists(f"{ROUND}:claims")
    assert state(client) == b"open"
    # A small one wakes no master.
    assert last_event(client) == before


@pytest.mark.parametrize(("update", "told"), [(bytes(1 << 20), False), ([b"1", b"2"], True)])
def test_a_large_update_is_told_of_at_once(
    client: Redis, slave: SlaveStore, update: bytes | list[bytes], told: bool
) -> None:
    claim = take(slave, "1", "2")
    hand_in(slave, claim, "1", update=update)
    arrived = {b"type": b"arrived", b"round": b"train:1"}
    assert (last_event(client) == arrived) is told
    hand_in(slave, claim, "2")
    assert (last_event(client) == arrived) is told


def test_a_batch_is_submitted_as_its_updates_would_be(client: Redis, slave: SlaveStore) -> None:
    claim = take(slave, "2", "0")
    updates = [Packed("2", b"of 2", ("20", "a")), Packed("0", b"of 0", ("9", "b"))]
    assert slave.submit(claim, updates, ("rows", "host")) == [Submission.COUNTED] * 2
    assert client.get(f"{ROUND}:arrived") == b"2"
    assert client.mget(f"{ROUND}:update:2", f"{ROUND}:update:0") == [b"of 2", b"of 0"]
    assert client.hmget(f"{RUN}:slave:2", "rows", "host") == [b"20", b"a"]
    assert client.hmget(f"{RUN}:slave:0", "rows", "host") == [b"9", b"b"]
    assert not client.exists(f"{ROUND}:claims")
    assert slave.submit(claim, [], ("rows", "host")) == []


def test_a_batch_with_one_that_was_in_and_ones_that_come_after_the_last(
    client: Redis, slave: SlaveStore
) -> None:
    claim = take(slave, "0", "1", "2")
    assert hand_in(slave, claim, "1", update=b"first") == [Submission.COUNTED]
    client.hset(ROUND, "expected", 2)
    assert hand_in(slave, claim, "1", "0", "2", update=b"second") == [
        *(Submission.DUPLICATE, Submission.COUNTED_LAST, Submission.LATE)
    ]
    assert state(client) == b"closed"
    assert client.get(f"{ROUND}:arrived") == b"2"
    assert client.mget(*(f"{ROUND}:update:{one}" for one in "012")) == [
        *(b"second", b"first", None)
    ]
    assert not client.exists(f"{RUN}:slave:2", f"{ROUND}:claims", f"{ROUND}:ids")
    told = [entry for _, entry in client.xrange(f"{RUN}:events")][1:]
    refused = {b"type": b"refused", b"round": b"train:1"}
    assert told == [
        {**refused, b"slave": b"1", b"why": b"duplicate"},
        {b"type": b"closed", b"round": b"train:1"},
        {**refused, b"slave": b"2", b"why": b"late"},
    ]


def test_one_slave_twice_in_a_batch_counts_once(client: Redis, slave: SlaveStore) -> None:
    claim = take(slave, "0")
    updates = [Packed("0", b"first", ()), Packed("0", b"second", ())]
    assert slave.submit(claim, updates, ()) == [Submission.COUNTED, Submission.DUPLICATE]
    assert client.get(f"{ROUND}:update:0") == b"first"
    assert client.get(f"{ROUND}:arrived") == b"1"


def test_a_batch_delivered_twice_counts_once(
    client: Redis, slave: SlaveStore, snapshot: Callable[[Redis], Any]
) -> None:
    claim = take(slave, "0", "2")
    assert hand_in(slave, claim, "0", "2") == [Submission.COUNTED] * 2
    before = {**snapshot(client), f"{RUN}:events".encode(): None}
    assert hand_in(slave, claim, "0", "2") == [Submission.DUPLICATE] * 2
    assert {**snapshot(client), f"{RUN}:events".encode(): None} == before


def test_a_batch_of_many(
    client: Redis, open_round: Callable[..., None], make_slave: Callable[[str], SlaveStore]
) -> None:
    open_round(256, 256)
    store = make_slave("w-1")
    claim = claim_of(store, count=256)
    results = hand_in(store, claim, *claim.slaves, update=bytes(1_000))
    assert results == [Submission.COUNTED] * 255 + [Submission.COUNTED_LAST]
    assert client.get(f"{ROUND}:arrived") == b"256"


def test_the_last_one_closes_the_barrier(client: Redis, slave: SlaveStore) -> None:
    claim = take(slave, "2", "0", "1")
    results = [hand_in(slave, claim, one) for one in claim.slaves]
    assert results == [[Submission.COUNTED], [Submission.COUNTED], [Submission.COUNTED_LAST]]
    assert state(client) == b"closed"
    assert client.get(f"{ROUND}:arrived") == b"3"
    assert len(client.keys("fedredis:*:round:train:1:update:*")) == 3
    assert not client.exists(f"{RUN}:open", f"{ROUND}:ids", f"{ROUND}:claims")
    assert last_event(client) == {b"type": b"closed", b"round": b"train:1"}


def test_an_update_delivered_twice_counts_once(client: Redis, slave: SlaveStore) -> None:
    claim = take(slave, "0")
    first, second = Packed("0", b"first", ("1",)), Packed("0", b"second", ("2",))
    assert slave.submit(claim, [first], ("rows",)) == [Submission.COUNTED]
    assert slave.submit(claim, [second], ("rows",)) == [Submission.DUPLICATE]
    assert client.get(f"{ROUND}:update:0") == b"first"
    assert client.get(f"{ROUND}:arrived") == b"1"
    assert client.hget(f"{RUN}:slave:0", "rows") == b"1"
    assert last_event(client) == {
        b"type": b"refused",
        b"round": b"train:1",
        b"slave": b"0",
        b"why": b"duplicate",
    }


def test_the_last_update_delivered_twice_is_late(client: Redis, slave: SlaveStore) -> None:
    claim = take(slave, "0", "1", "2")
    for one in claim.slaves:
        hand_in(slave, claim, one)
    assert hand_in(slave, claim, "2") == [Submission.LATE]
    assert client.get(f"{ROUND}:arrived") == b"3"


def test_an_update_to_a_round_that_is_gone_is_late_and_leaves_nothing(
    client: Redis, slave: SlaveStore, master: MasterStore
) -> None:
    claim = take(slave, "0")
    master.commit(TRAIN, entry={}, progress={}, slaves=("0", "1", "2"))
    late = slave.submit(claim, [Packed("0", b"?", ("1",)), Packed("1", b"?", ("1",))], ("rows",))
    assert late == [Submission.LATE] * 2
    assert client.keys("fedredis:*:round:*") == []
    assert not client.exists(f"{RUN}:slave:0", f"{RUN}:slave:1")
    assert last_event(client) == {
        b"type": b"refused",
        b"round": b"train:1",
        b"slave": b"1",
        b"why": b"late",
    }


def test_an_update_of_another_epoch_is_stale(client: Redis, slave: SlaveStore) -> None:
    take(slave, "0")
    stale = Claim(TRAIN, 7, ("0",))
    assert hand_in(slave, stale, "0") == [Submission.STALE]
    assert last_event(client)[b"why"] == b"stale"
    assert slave.fail(stale, "0", attempts=1, traceback="boom") is Failure.STALE
    assert not client.exists(f"{ROUND}:update:0", f"{ROUND}:arrived", f"{RUN}:slave:0")
    assert client.hget(ROUND, "given_up") == b"0"


def test_a_stale_update_takes_neither_a_place_on_the_list_nor_a_claim(
    client: Redis, slave: SlaveStore
) -> None:
    """A round that was opened anew, after a loss, still waits for these slaves."""
    take(slave, "0")
    held = client.hgetall(f"{ROUND}:claims")
    stale = Claim(TRAIN, 7, ("0", "1"))
    assert hand_in(slave, stale, "0", "1") == [Submission.STALE] * 2
    assert client.hgetall(f"{ROUND}:claims") == held
    assert client.zrange(f"{ROUND}:ids", 0, -1) == [b"1", b"2"]


# Submitting what is large.

LARGE = [b"head", b"\0first", b"second\xff", b""]
STAGED = f"{ROUND}:staged:w-1"


def test_a_large_update_is_a_list_of_its_parts_for_good(client: Redis, slave: SlaveStore) -> None:
    claim = take(slave, "1")
    updates = [Packed("1", iter(LARGE), ("42", "h"))]
    assert slave.submit(claim, updates, ("rows", "host")) == [Submission.COUNTED]
    assert client.lrange(f"{ROUND}:update:1", 0, -1) == LARGE
    assert client.ttl(f"{ROUND}:update:1") == -1
    assert not client.exists(STAGED, f"{ROUND}:claims")
    assert client.get(f"{ROUND}:arrived") == b"1"
    assert client.hgetall(f"{RUN}:slave:1") == {
        b"round": b"train:1",
        b"worker": b"w-1",
        b"rows": b"42",
        b"host": b"h",
    }
    assert state(client) == b"open"


def test_it_is_staged_for_a_while_before_it_is_counted(
    client: Redis, slave: SlaveStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged: list[tuple[list[bytes], bool, int]] = []
    submit = slave._submit

    def looking(**sent: Any) -> Any:
        ends = 0 < client.ttl(STAGED) <= parts.STAGED_TTL
        staged.append((client.lrange(STAGED, 0, -1), ends, client.exists(f"{ROUND}:update:0")))
        return submit(**sent)

    monkeypatch.setattr(slave, "_submit", looking)
    hand_in(slave, take(slave, "0"), "0", update=LARGE)
    assert staged == [(LARGE, True, 0)]


def test_large_updates_close_the_barrier(client: Redis, slave: SlaveStore) -> None:
    claim = take(slave, "2", "0", "1")
    results = [hand_in(slave, claim, one, update=[*LARGE, one.encode()]) for one in claim.slaves]
    assert results == [[Submission.COUNTED], [Submission.COUNTED], [Submission.COUNTED_LAST]]
    assert state(client) == b"closed"
    assert client.get(f"{ROUND}:arrived") == b"3"
    for one in claim.slaves:
        assert client.lindex(f"{ROUND}:update:{one}", -1) == one.encode()
    told = [entry[b"type"] for _, entry in client.xrange(f"{RUN}:events")]
    assert told == [b"opened", b"arrived", b"arrived", b"closed"]


def test_a_large_update_delivered_twice_counts_once(client: Redis, slave: SlaveStore) -> None:
    claim = take(slave, "0")
    first = [Packed("0", [*LARGE, b"1"], ("1",))]
    assert slave.submit(claim, first, ("rows",)) == [Submission.COUNTED]
    second = [Packed("0", [*LARGE, b"2"], ("2",))]
    assert slave.submit(claim, second, ("rows",)) == [Submission.DUPLICATE]
    assert client.lindex(f"{ROUND}:update:0", -1) == b"1"
    assert client.get(f"{ROUND}:arrived") == b"1"
    assert client.hget(f"{RUN}:slave:0", "rows") == b"1"
    assert last_event(client)[b"why"] == b"duplicate"
    # What nobody took ends by itself.
    assert client.ttl(STAGED) > 0


def test_a_call_that_is_sent_again_is_a_duplicate(
    client: Redis, slave: SlaveStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer was lost: the parts are where they belong by then."""
    submit = slave._submit

    def twice(**sent: Any) -> Any:
        assert submit(**sent) == [Submission.COUNTED]
        return submit(**sent)

    monkeypatch.setattr(slave, "_submit", twice)
    assert hand_in(slave, take(slave, "0"), "0", update=LARGE) == [Submission.DUPLICATE]
    assert client.lrange(f"{ROUND}:update:0", 0, -1) == LARGE
    assert client.ttl(f"{ROUND}:update:0") == -1
    assert client.get(f"{ROUND}:arrived") == b"1"


def test_a_large_update_after_the_close_is_late(client: Redis, slave: SlaveStore) -> None:
    claim = take(slave, "0")
    client.hset(ROUND, "state", "closed")
    assert hand_in(slave, claim, "0", update=LARGE) == [Submission.LATE]
    assert not client.exists(f"{ROUND}:update:0", f"{ROUND}:arrived", f"{ROUND}:claims")
    assert client.ttl(STAGED) > 0


def test_a_large_update_that_was_lost_is_stale_and_its_slave_is_asked_again(
    client: Redis,
    master: MasterStore,
    slave: SlaveStore,
    make_slave: Callable[[str], SlaveStore],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    claim = take(slave, "0")
    held = client.hgetall(f"{ROUND}:claims")
    with monkeypatch.context() as losing:
        losing.setattr(parts, "write", lambda client, key, pieces: 3)
        assert hand_in(slave, claim, "0", update=LARGE) == [Submission.STALE]
    assert last_event(client)[b"why"] == b"stale"
    assert not client.exists(f"{ROUND}:update:0", f"{ROUND}:arrived", f"{RUN}:slave:0")
    # Its claim ends with its lease, not before.
    assert client.hgetall(f"{ROUND}:claims") == held
    tend(master)
    assert claim_of(make_slave("w-2"), ("0",), take_any=False).slaves == ()
    client.hset(f"{ROUND}:claims", "0", "w-1 1")
    tend(master)
    other = make_slave("w-2")
    again = take(other, "0")
    assert hand_in(other, again, "0", update=LARGE) == [Submission.COUNTED]
    assert client.lrange(f"{ROUND}:update:0", 0, -1) == LARGE


def test_two_workers_stage_beside_each_other(
    client: Redis, slave: SlaveStore, make_slave: Callable[[str], SlaveStore]
) -> None:
    other = make_slave("w-2")
    one, two = take(slave, "0"), take(other, "1")

    def meanwhile() -> Iterator[bytes]:
        yield from (b"of 0", b"first")
        assert hand_in(other, two, "1", update=[b"of 1", b"1", b"2", b"3"]) == [Submission.COUNTED]
        yield b"second"

    assert slave.submit(one, [Packed("0", meanwhile(), ())], ()) == [Submission.COUNTED]
    assert client.lrange(f"{ROUND}:update:0", 0, -1) == [b"of 0", b"first", b"second"]
    assert client.lrange(f"{ROUND}:update:1", 0, -1) == [b"of 1", b"1", b"2", b"3"]


def test_a_failure_after_a_large_update_is_in_is_late(client: Redis, slave: SlaveStore) -> None:
    claim = take(slave, "0")
    hand_in(slave, claim, "0", update=LARGE)
    assert slave.fail(claim, "0", attempts=1, traceback="boom") is Failure.LATE


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
    assert hand_in(slave, claim, "0") == [Submission.COUNTED]
    assert hand_in(slave, claim, "2") == [Submission.COUNTED_LAST]


def test_giving_up_the_last_one_closes_a_round_with_a_quorum(
    client: Redis, slave: SlaveStore
) -> None:
    client.hset(ROUND, "quorum", 2)
    claim = take(slave, "0", "1", "2")
    hand_in(slave, claim, "0", "2")
    assert slave.fail(claim, "1", attempts=1, traceback="boom") is Failure.GIVEN_UP
    assert client.hget(ROUND, "state") == b"closed"
    assert not client.exists(f"{RUN}:open")
    assert last_event(client) == {b"type": b"closed", b"round": b"train:1"}


def test_giving_up_one_too_many_fails_the_round(client: Redis, slave: SlaveStore) -> None:
    claim = take(slave, "0", "1")
    assert slave.fail(claim, "1", attempts=1, traceback="boom") is Failure.GIVEN_UP
    assert client.hget(ROUND, "state") == b"failed"
    assert not client.exists(f"{RUN}:open")
    # It may start over: that it was closed must not be heard of after that.
    assert last_event(client)[b"type"] == b"failed"
    assert hand_in(slave, claim, "0") == [Submission.LATE]
    assert slave.fail(claim, "0", attempts=1, traceback="boom") is Failure.LATE


def test_a_failure_after_the_update_is_in_is_late(client: Redis, slave: SlaveStore) -> None:
    claim = take(slave, "0")
    hand_in(slave, claim, "0")
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
    tend(master)
    take(make_slave("w-2"), "0")
    held = client.hget(f"{ROUND}:claims", "0")
    assert slave.fail(claim, "0", attempts=3, traceback="boom") is Failure.PUT_BACK
    assert client.hget(f"{ROUND}:claims", "0") == held
    assert client.hget(ROUND, "attempts:0") is None
    assert not client.exists(f"{RUN}:slave:0")
    assert client.zrange(f"{ROUND}:ids", 0, -1) == [b"1", b"2"]


def test_a_slave_that_was_given_up_and_comes_all_the_same_is_not_both(
    client: Redis, slave: SlaveStore, make_slave: Any, master: MasterStore
) -> None:
    client.hset(ROUND, "quorum", 2)
    slow = take(slave, "0")
    client.hset(f"{ROUND}:claims", "0", "w-1 1")
    tend(master)
    other = make_slave("w-2")
    assert other.fail(take(other, "0"), "0", attempts=1, traceback="x") is Failure.GIVEN_UP
    assert hand_in(slave, slow, "0") == [Submission.COUNTED]
    assert client.hmget(ROUND, "given_up", "given_up:0") == [b"0", None]
    claim = take(other, "1", "2")
    # Slave 2 is still at work: the round must not close without it.
    assert hand_in(other, claim, "1") == [Submission.COUNTED]
    assert hand_in(other, claim, "2") == [Submission.COUNTED_LAST]


def test_a_slave_that_was_given_up_closes_the_round_in_a_batch_with_the_others(
    client: Redis, slave: SlaveStore, make_slave: Any, master: MasterStore
) -> None:
    client.hset(ROUND, "quorum", 2)
    slow = take(slave, "0", "1", "2")
    client.hset(f"{ROUND}:claims", "1", "w-1 1")
    tend(master)
    other = make_slave("w-2")
    assert other.fail(take(other, "1"), "1", attempts=1, traceback="x") is Failure.GIVEN_UP
    # With slave 1 given up, two of three are all there is; but it is among them after all.
    assert hand_in(slave, slow, "0", "1", "2") == [
        *(Submission.COUNTED, Submission.COUNTED, Submission.COUNTED_LAST)
    ]
    assert client.get(f"{ROUND}:arrived") == b"3"
    assert client.hmget(ROUND, "given_up", "state") == [b"0", b"closed"]


def test_names_of_workers_are_compared_whole(
    client: Redis, slave: SlaveStore, make_slave: Any
) -> None:
    """One worker's name may begin another's, and end in a number."""
    take(make_slave("w-1 7"), "0")
    assert slave.fail(Claim(TRAIN, 1, ("0",)), "0", attempts=3, traceback="x") is Failure.PUT_BACK
    assert client.hget(ROUND, "attempts:0") is None
    assert client.hget(f"{ROUND}:claims", "0").startswith(b"w-1 7 ")


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
    while state(client) == b"open":
        steps += 1
        assert steps < 5_000
        action = rng.choice(("claim", "claim", "submit", "submit", "again", "die", "fail"))
        if action == "claim":
            store = rng.choice(stores)
            wishes = [str(rng.randrange(slaves)) for _ in range(rng.randrange(3))]
            claim = store.claim(
                TRAIN,
                wishes,
                attached=Kind.TRAIN,
                take_any=rng.random() < 0.8,
                least=rng.randrange(1, 4),
                most=rng.randrange(1, 6),
            )
            assert claim is not None
            at_work += [(store, claim, one) for one in claim.slaves]
        elif action == "die":
            # A worker stops: some of its claims run out, and whoever dies may still submit.
            for one, held in client.hgetall(f"{ROUND}:claims").items():
                if held.startswith(f"w-{rng.randrange(5)} ".encode()):
                    client.hset(f"{ROUND}:claims", one, held.split()[0] + b" 1")
            tend(master)
        elif at_work:
            place = rng.randrange(len(at_work))
            store, claim, one = at_work[place]
            if action == "fail":
                store.fail(claim, one, attempts=1_000_000, traceback="boom")
                at_work.pop(place)
                continue
            # A batch of what this worker has at work, in any order, or this one slave.
            batch = [work for work in at_work if work[0] is store and rng.random() < 0.5]
            batch = rng.sample(batch, len(batch)) or [at_work[place]]
            updates = [Packed(work[2], work[2].encode(), ()) for work in batch]
            results.update(store.submit(claim, updates, ()))
            if action == "submit":
                at_work = [work for work in at_work if work not in batch]
    for store, claim, one in at_work:
        results.update(hand_in(store, claim, one, update=b"late"))
    updates = client.keys("fedredis:*:round:train:1:update:*")
    assert client.hget(ROUND, "state") == b"closed"
    assert len(updates) == slaves
    assert client.get(f"{ROUND}:arrived") == str(slaves).encode()
    assert results[Submission.COUNTED] == slaves - 1
    assert results[Submission.COUNTED_LAST] == 1
    assert results[Submission.STALE] == 0
    for one in range(slaves):
        assert client.get(f"{ROUND}:update:{one}") == str(one).encode()
        assert client.hget(f"{RUN}:slave:{one}", "round") == b"train:1"
    types = [entry[b"type"] for _, entry in client.xrange(f"{RUN}:events")]
    assert types.count(b"arrived") == 0
    assert types.count(b"closed") == 1
    assert types.count(b"refused") == results[Submission.DUPLICATE] + results[Submission.LATE]
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
    while state(client) == b"open":
        steps += 1
        assert steps < 5_000
        action = rng.choice(("claim", "submit", "fail", "fail again", "die"))
        if action == "claim":
            store = rng.choice(stores)
            claim = claim_of(store, count=2)
            at_work += [(store, claim, one) for one in claim.slaves]
        elif action == "die":
            for one, held in client.hgetall(f"{ROUND}:claims").items():
                if rng.random() < 0.2:
                    client.hset(f"{ROUND}:claims", one, held.split()[0] + b" 1")
            tend(master)
        elif at_work:
            store, claim, one = at_work.pop(rng.randrange(len(at_work)))
            if action == "submit":
                others = [work for work in at_work if work[0] is store][: rng.randrange(3)]
                at_work = [work for work in at_work if work not in others]
                batch = [one, *(work[2] for work in others)]
                results = hand_in(store, claim, *batch)
                took = (Submission.COUNTED, Submission.COUNTED_LAST)
                given_up -= {b for b, r in zip(batch, results, strict=True) if r in took}
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
    # Nobody may be left to take a worker off the list that has died.
    assert 0 < client.pttl(f"{RUN}:attached:train") <= 60_000
    slave.detach(Kind.TRAIN)
    assert not client.exists(f"{RUN}:attached:train")


def test_what_a_worker_reads(client: Redis, slave: SlaveStore) -> None:
    assert slave.task_of(TRAIN)["payload"] == "model:0"
    assert slave.task_of(Label(Kind.TRAIN, 9)) == {}
    assert slave.artifact("preprocessing:0").named == {}
    assert slave.artifact("model:9") is None
    assert slave.config().encode() == client.hget(RUN, "config")
    with pytest.raises(RunNotFoundError, match="there is no run r2"):
        SlaveStore(client, RunKeys("r2"), worker="w", lease_ms=1).config()
