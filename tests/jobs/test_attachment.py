"""A worker's stay with a run, on a real server, in the test's own thread."""

from __future__ import annotations

import itertools
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from fedredis.jobs import attachment
from fedredis.jobs.attachment import LONGEST_STAY, Attachment, serve
from fedredis.jobs.naming import job_kind
from fedredis.keys import Kind, Label, RunKeys
from fedredis.master import drive_run
from fedredis.store import runs

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from fedredis.jobs.context import WorkerContext
    from fedredis.store.master import MasterStore

    Stay = Callable[..., Attachment]

MOMENTS = Label(Kind.STATISTICS, 1)
SLAVES = ("0", "1", "2", "3")
#: Seconds to wait for work: a wait that nothing ends outlasts the time limit of a test.
FOREVER = 3600.0


@pytest.fixture
def make_attachment(
    make_context: Callable[..., WorkerContext],
    keys: RunKeys,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Attachment]:
    """Return a maker of stays that linger for a moment only; steps are run before each wait."""

    def make(
        *steps: Callable[[], Any],
        kind: Kind = Kind.STATISTICS,
        clock: Any = time.monotonic,
        linger: float = 0.02,
        **context: Any,
    ) -> Attachment:
        monkeypatch.setattr(attachment, "LINGER", linger)
        there = make_context(**context)
        run = there.view(keys.run_id)
        left, wait = iter(steps), run.store.wait_for_work

        def after_a_step(after: bytes, seconds: float) -> Any:
            next(left, lambda: None)()
            return wait(after, seconds)

        monkeypatch.setattr(run.store, "wait_for_work", after_a_step)
        return Attachment(there, run, kind, clock)

    return make


def open_round(
    master: MasterStore, label: Label = MOMENTS, slaves: tuple[str, ...] = SLAVES, quorum: int = 4
) -> None:
    extra = {"payload": "preprocessing:0", "pass": "moments"}
    master.open_round(label, slaves, quorum=quorum, timeout_ms=60_000, extra=extra)


def order_of_arrival(client: Redis, keys: RunKeys, label: Label) -> list[str]:
    entries: Any = client.xrange(keys.events)
    return [
        entry[b"slave"].decode()
        for _, entry in entries
        if entry[b"type"] in (b"arrived", b"closed") and entry[b"round"].decode() == str(label)
    ]


def attached(client: Redis, keys: RunKeys) -> list[bytes]:
    return client.zrange(keys.attached(Kind.STATISTICS), 0, -1)


def test_it_drains_the_list(
    client: Redis, keys: RunKeys, master: MasterStore, make_attachment: Stay
) -> None:
    open_round(master)
    stay = make_attachment()
    stay.stay()
    assert stay.counted == {"statistics": 4}
    assert master.state(MOMENTS) == "closed"
    assert order_of_arrival(client, keys, MOMENTS) == list(SLAVES)
    assert attached(client, keys) == []


def test_it_submits_facts(
    client: Redis, keys: RunKeys, master: MasterStore, make_attachment: Stay
) -> None:
    open_round(master)
    make_attachment().stay()
    facts = runs.slaves(client, keys.run_id, SLAVES)
    for known in facts.values():
        assert set(known) == {"updates", "rows", "worker", "host", "cpu_s", "memory_mb"}
        assert known["updates"] == "1"
        assert float(known["cpu_s"]) > 0
        assert int(known["memory_mb"]) > 1
        assert known["worker"].startswith("fedredis-some-pets-4-")
    assert sum(int(known["rows"]) for known in facts.values()) == 103 - 4 * 5


def test_it_waits_for_the_next_round(
    client: Redis, keys: RunKeys, master: MasterStore, make_attachment: Stay
) -> None:
    second, third = Label(Kind.STATISTICS, 2), Label(Kind.STATISTICS, 3)
    open_round(master)
    stay = make_attachment(
        lambda: open_round(master, second), lambda: open_round(master, third, ("2",), 1)
    )
    stay.stay()
    assert stay.counted == {"statistics": 9}
    assert master.state(second) == master.state(third) == "closed"


def test_it_leaves_when_only_rounds_of_another_kind_are_open(
    client: Redis, keys: RunKeys, master: MasterStore, make_attachment: Stay
) -> None:
    train = Label(Kind.TRAIN, 1)
    open_round(master)
    stay = make_attachment(lambda: open_round(master, train), linger=FOREVER)
    stay.stay()
    assert stay.counted == {"statistics": 4}
    assert client.zcard(keys.round(train).ids) == 4


def test_it_leaves_when_the_master_does(
    client: Redis, keys: RunKeys, master: MasterStore, make_attachment: Stay
) -> None:
    open_round(master)
    stay = make_attachment(lambda: master.release("finished"), linger=FOREVER)
    stay.stay()
    assert attached(client, keys) == []


def test_training_takes_the_tests_of_earlier_models_along(
    client: Redis, keys: RunKeys, master: MasterStore, make_attachment: Stay
) -> None:
    stay = make_attachment(kind=Kind.TRAIN)
    for label in (Label(Kind.EVALUATE, 1), Label(Kind.EVALUATE, 2), MOMENTS):
        open_round(master, label)
    stay.stay()  # the payloads are of no use to them: they fail, but are taken
    assert client.exists(keys.round(Label(Kind.EVALUATE, 1)).round)
    assert client.hget(keys.round(Label(Kind.EVALUATE, 1)).round, "attempts:0") == b"2"
    assert client.hget(keys.round(Label(Kind.EVALUATE, 2)).round, "attempts:0") is None
    assert master.state(MOMENTS) == "open"


@pytest.mark.parametrize("most", [1, 8])
def test_it_takes_first_whom_it_has_worked_for_before(
    client: Redis,
    keys: RunKeys,
    master: MasterStore,
    make_attachment: Stay,
    make_context: Callable[..., WorkerContext],
    monkeypatch: pytest.MonkeyPatch,
    most: int,
) -> None:
    monkeypatch.setattr(attachment, "MOST_WISHES", most)
    second, third = Label(Kind.STATISTICS, 2), Label(Kind.STATISTICS, 3)
    open_round(master)
    other = make_context().view(keys.run_id).store
    claim = other.claim(MOMENTS, ("0", "2"), take_any=False, count=2)
    for slave in claim.slaves:
        other.submit(claim, slave, 1, b"", {})
    stay = make_attachment(lambda: open_round(master, second), lambda: open_round(master, third))
    stay.stay()
    assert order_of_arrival(client, keys, MOMENTS) == ["0", "2", "1", "3"]
    assert order_of_arrival(client, keys, second) == ["1", "3", "0", "2"]
    assert order_of_arrival(client, keys, third) == ["1", "3", "0", "2"]


def test_it_serves_only_slaves_whose_data_it_holds(
    client: Redis,
    keys: RunKeys,
    master: MasterStore,
    make_attachment: Stay,
    make_context: Callable[..., WorkerContext],
) -> None:
    open_round(master)
    card = replace(make_context().card, slaves=("3", "1"))
    stay = make_attachment(card=card)
    stay.stay()
    assert order_of_arrival(client, keys, MOMENTS) == ["3", "1"]
    assert client.zrange(keys.round(MOMENTS).ids, 0, -1) == [b"0", b"2"]


def test_a_slave_that_fails_is_reported_and_the_others_go_on(
    client: Redis,
    keys: RunKeys,
    master: MasterStore,
    make_attachment: Stay,
    folder: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stay = make_attachment()
    (folder / "slave-1.npy").unlink()
    open_round(master, quorum=3)
    with caplog.at_level(logging.ERROR):
        stay.stay()
    assert stay.counted == {"statistics": 3}
    assert master.state(MOMENTS) == "closed"
    assert client.hmget(keys.round(MOMENTS).round, "attempts:1", "given_up") == [b"2", b"1"]
    known = runs.slaves(client, keys.run_id, ("1",))["1"]
    assert known["failures"] == "2"
    assert known["error"].startswith("Traceback (most recent call last):\n")
    assert known["error"].rstrip().endswith("slave-1.npy: there is no such file")
    assert caplog.messages == ["slave 1 failed in round statistics:1"] * 2


def test_below_a_quorum_the_round_fails(
    master: MasterStore, make_attachment: Stay, folder: Any
) -> None:
    stay = make_attachment()
    (folder / "slave-0.npy").write_bytes(b"?")
    open_round(master)
    stay.stay()
    assert master.state(MOMENTS) == "failed"


def test_what_redis_does_not_answer_is_no_failure_of_the_slave(
    client: Redis,
    keys: RunKeys,
    master: MasterStore,
    make_attachment: Stay,
    make_context: Callable[..., WorkerContext],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_round(master)
    stay = make_attachment()

    def away(*args: Any) -> None:
        raise RedisConnectionError("away")

    monkeypatch.setattr(stay._store, "submit", away)
    with pytest.raises(RedisConnectionError):
        stay.stay()
    assert client.hgetall(keys.slave("0")) == {}
    assert client.hget(keys.round(MOMENTS).round, "attempts:0") is None


def test_a_round_whose_payload_is_gone_is_over_and_no_failure(
    client: Redis, keys: RunKeys, master: MasterStore, make_attachment: Stay
) -> None:
    client.delete(keys.artifact("preprocessing:0"))
    open_round(master)
    stay = make_attachment()
    stay.stay()
    assert stay.counted == {}
    assert client.hget(keys.round(MOMENTS).round, "attempts:0") is None


def test_it_is_counted_out_before_its_last_look(
    client: Redis,
    keys: RunKeys,
    master: MasterStore,
    make_attachment: Stay,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second = Label(Kind.STATISTICS, 2)
    open_round(master)
    stay = make_attachment()
    detach, there = stay._store.detach, []

    def and_a_round_opens(kind: Kind) -> None:
        there.append(master.attached(kind))
        detach(kind)
        there.append(master.attached(kind))
        open_round(master, second)

    monkeypatch.setattr(stay._store, "detach", and_a_round_opens)
    stay.stay()
    assert [len(names) for names in there] == [1, 0]
    assert stay.counted == {"statistics": 8}
    assert master.state(second) == "closed"


def test_it_stops_between_two_slaves_when_asked(
    client: Redis, keys: RunKeys, master: MasterStore, make_attachment: Stay
) -> None:
    open_round(master)
    arrived = keys.round(MOMENTS).arrived
    stay = make_attachment(stopping=lambda: client.get(arrived) == b"2", linger=FOREVER)
    stay.stay()
    assert stay.counted == {"statistics": 2}
    assert client.zrange(keys.round(MOMENTS).ids, 0, -1) == [b"2", b"3"]
    assert client.hgetall(keys.round(MOMENTS).claims) == {}
    assert attached(client, keys) == []


def test_it_leaves_when_another_run_waits(
    client: Redis, keys: RunKeys, master: MasterStore, make_attachment: Stay
) -> None:
    asked: list[str] = []

    def others_wait(run_id: str) -> bool:
        asked.append(run_id)
        return True

    def fail() -> None:
        pytest.fail("it waited for more work")

    open_round(master)
    stay = make_attachment(fail, others_wait=others_wait)
    stay.stay()
    assert asked == [keys.run_id]
    assert stay.counted == {"statistics": 4}
    assert attached(client, keys) == []


def test_it_leaves_after_a_while_all_the_same(
    client: Redis, keys: RunKeys, master: MasterStore, make_attachment: Stay
) -> None:
    numbers = itertools.count(2)

    def open_next() -> None:
        open_round(master, Label(Kind.STATISTICS, next(numbers)))

    open_round(master)
    clock = itertools.count(0, LONGEST_STAY / 2.5)
    stay = make_attachment(*[open_next] * 50, clock=lambda: next(clock))
    stay.stay()
    assert stay.counted == {"statistics": 12}
    assert attached(client, keys) == []


def test_a_beat_prolongs_what_the_worker_holds(
    client: Redis,
    keys: RunKeys,
    master: MasterStore,
    make_attachment: Stay,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_round(master, slaves=("0",), quorum=1)
    stay = make_attachment()
    name, submit = stay._context.card.name, stay._store.submit
    claims, there = keys.round(MOMENTS).claims, keys.attached(Kind.STATISTICS)
    prolonged: list[bool] = []

    def after_a_beat(claim: Any, slave: str, *rest: Any) -> Any:
        client.hset(claims, slave, f"{name} 1000")
        client.zadd(there, {name: 1000})
        stay.beat()
        prolonged.append(int(client.hget(claims, slave).split()[1]) > 1000)
        prolonged.append(client.zscore(there, name) > 1000)
        return submit(claim, slave, *rest)

    monkeypatch.setattr(stay._store, "submit", after_a_beat)
    stay.stay()
    assert prolonged == [True, True]
    stay.beat()
    assert attached(client, keys) == []
    assert client.hgetall(claims) == {}


def test_serve_says_what_was_done(
    client: Redis,
    keys: RunKeys,
    master: MasterStore,
    make_context: Callable[..., WorkerContext],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attachment, "LINGER", 0.02)
    open_round(master)
    context = make_context()
    assert serve(context, keys.run_id, Kind.STATISTICS) == {
        "worker": context.card.name,
        "counted": {"statistics": 4},
    }


def test_a_whole_run(
    client: Redis,
    keys: RunKeys,
    make_context: Callable[..., WorkerContext],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attachment, "LINGER", 0.001)
    context = make_context()

    def serve_at_once(label: Label, waiting: int) -> None:
        serve(context, keys.run_id, job_kind(label, 2))

    drive_run(
        client,
        keys.run_id,
        dispatcher=lambda store, config: serve_at_once,
        report=lambda label, entry: None,
        clock=time.monotonic,
    )
    assert runs.read(client, keys.run_id).status == "finished"
    history = runs.history(client, keys.run_id)
    assert [str(label) for label in history] == [
        *("evaluate:1", "evaluate:2", "statistics:1", "train:1", "train:2")
    ]
    assert all(entry["slaves"] == 4 for entry in history.values())
    assert history[Label(Kind.EVALUATE, 2)]["rows"] == 20
    facts = runs.slaves(client, keys.run_id, SLAVES)
    assert {known["updates"] for known in facts.values()} == {"5"}
    assert {known["tested"] for known in facts.values()} == {"2"}
