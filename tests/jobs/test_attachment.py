"""A worker's stay with a run, on a real server, in the test's own thread."""

from __future__ import annotations

import itertools
import json
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from fedredis import codec
from fedredis.codec import Schema
from fedredis.jobs import attachment
from fedredis.jobs.attachment import LONGEST_STAY, Attachment, serve
from fedredis.keys import Kind, Label, RunKeys, job_kind
from fedredis.master import create_run, drive_run
from fedredis.store import runs
from fedredis.store.artifact import Artifact
from fedredis.store.results import RoundState, Submission
from fedredis.store.slave import Packed, SlaveStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from fedredis.config import RunConfig
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
        batch: int = 1,
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
        stay = Attachment(there, run, kind, clock)
        # However long a slave takes, so many are claimed at once, if they are left.
        monkeypatch.setattr(stay, "_worth_a_trip", lambda kind: (batch, batch))
        return stay

    return make


def open_round(
    master: MasterStore, label: Label = MOMENTS, slaves: tuple[str, ...] = SLAVES, quorum: int = 4
) -> None:
    extra = {"payload": "preprocessing:0", "pass": "moments"}
    if label.kind is not Kind.STATISTICS:
        settings = {"local_epochs": 1, "batch_size": 8, "learning_rate": 0.5, "l2": 0.01}
        extra = {"payload": "model:1", "preprocessing": "preprocessing:1"}
        extra["settings"] = json.dumps(settings)
    master.open_round(label, slaves, quorum=quorum, timeout_ms=60_000, extra=extra)


@pytest.fixture
def arrivals(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Return a list of (round, slave) in the order in which they are counted."""
    seen: list[tuple[str, str]] = []
    submit = SlaveStore.submit

    def noting(store: SlaveStore, claim: Any, updates: Any, facts: Any) -> Any:
        results = submit(store, claim, updates, facts)
        for update, result in zip(updates, results, strict=True):
            if result in (Submission.COUNTED, Submission.COUNTED_LAST):
                seen.append((str(claim.label), update.slave))
        return results

    monkeypatch.setattr(SlaveStore, "submit", noting)
    return seen


def order_of_arrival(arrivals: list[tuple[str, str]], label: Label) -> list[str]:
    return [slave for round_, slave in arrivals if round_ == str(label)]


def state_of(master: MasterStore, label: Label) -> RoundState:
    return master.tend(label, label.kind).state


def attached(client: Redis, keys: RunKeys) -> list[bytes]:
    return client.zrange(keys.attached(Kind.STATISTICS), 0, -1)


@pytest.mark.parametrize("batch", [1, 2, 3, 9])
def test_it_drains_the_list(
    client: Redis,
    keys: RunKeys,
    master: MasterStore,
    make_attachment: Stay,
    arrivals: list[tuple[str, str]],
    batch: int,
) -> None:
    open_round(master)
    stay = make_attachment(batch=batch)
    stay.stay()
    assert stay.counted == {"statistics": 4}
    assert state_of(master, MOMENTS) is RoundState.CLOSED
    assert order_of_arrival(arrivals, MOMENTS) == list(SLAVES)
    assert attached(client, keys) == []


@pytest.mark.parametrize("batch", [1, 4])
def test_it_submits_facts(
    client: Redis, keys: RunKeys, master: MasterStore, make_attachment: Stay, batch: int
) -> None:
    open_round(master)
    make_attachment(batch=batch).stay()
    facts = runs.slaves(client, keys.run_id, SLAVES)
    for known in facts.values():
        assert set(known) == {"round", "rows", "worker"}
        assert known["round"] == "statistics:1"
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
    assert state_of(master, second) is state_of(master, third) is RoundState.CLOSED


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
    learnt(client, keys)
    for label in (Label(Kind.EVALUATE, 1), Label(Kind.EVALUATE, 2), MOMENTS):
        open_round(master, label)
    stay.stay()
    assert stay.counted == {"evaluate": 4}
    assert state_of(master, Label(Kind.EVALUATE, 1)) is RoundState.CLOSED
    assert state_of(master, Label(Kind.EVALUATE, 2)) is RoundState.OPEN
    assert client.zcard(keys.round(Label(Kind.EVALUATE, 2)).ids) == 4
    assert state_of(master, MOMENTS) is RoundState.OPEN


@pytest.mark.parametrize("batch", [1, 2, 8])
def test_it_takes_first_whom_it_has_worked_for_before(
    keys: RunKeys,
    master: MasterStore,
    make_attachment: Stay,
    make_context: Callable[..., WorkerContext],
    arrivals: list[tuple[str, str]],
    batch: int,
) -> None:
    second, third = Label(Kind.STATISTICS, 2), Label(Kind.STATISTICS, 3)
    open_round(master)
    other = make_context().view(keys.run_id).store
    claim = other.claim(
        MOMENTS, ("0", "2"), attached=Kind.STATISTICS, take_any=False, least=2, most=2
    )
    other.submit(claim, [Packed(slave, b"?", ()) for slave in claim.slaves], ())
    stay = make_attachment(
        lambda: open_round(master, second), lambda: open_round(master, third), batch=batch
    )
    stay.stay()
    assert order_of_arrival(arrivals, MOMENTS) == ["0", "2", "1", "3"]
    assert order_of_arrival(arrivals, second) == ["1", "3", "0", "2"]
    assert order_of_arrival(arrivals, third) == ["1", "3", "0", "2"]


def test_it_serves_only_slaves_whose_data_it_holds(
    client: Redis,
    keys: RunKeys,
    master: MasterStore,
    make_attachment: Stay,
    make_context: Callable[..., WorkerContext],
    arrivals: list[tuple[str, str]],
) -> None:
    open_round(master)
    card = replace(make_context().card, slaves=("3", "1"))
    stay = make_attachment(card=card)
    stay.stay()
    assert order_of_arrival(arrivals, MOMENTS) == ["3", "1"]
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
    assert state_of(master, MOMENTS) is RoundState.CLOSED
    assert client.hmget(keys.round(MOMENTS).round, "attempts:1", "given_up") == [b"2", b"1"]
    known = runs.slaves(client, keys.run_id, ("1",))["1"]
    assert known["failures"] == "2"
    assert known["error"].startswith("Traceback (most recent call last):\n")
    assert known["error"].rstrip().endswith("slave-1.npy: there is no such file")
    assert caplog.messages == ["slave 1 failed in round statistics:1"] * 2


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("failing", [("0",), ("3",), ("0", "2"), ("0", "1", "2")])
def test_a_slave_that_fails_takes_no_other_of_its_batch_with_it(
    client: Redis,
    keys: RunKeys,
    master: MasterStore,
    make_attachment: Stay,
    folder: Any,
    arrivals: list[tuple[str, str]],
    kind: Kind,
    failing: tuple[str, ...],
) -> None:
    label = Label(kind, 2)
    learnt(client, keys)
    there = make_attachment(kind=job_kind(label, 2), batch=4, linger=0.001)
    for slave in failing:
        (folder / f"slave-{slave}.npy").unlink()
    good = [slave for slave in SLAVES if slave not in failing]
    open_round(master, label, quorum=1)
    there.stay()
    assert there.counted == {kind.value: len(good)}
    assert order_of_arrival(arrivals, label) == good
    assert state_of(master, label) is RoundState.CLOSED
    told = runs.slaves(client, keys.run_id, SLAVES)
    for slave in failing:
        assert client.hget(keys.round(label).round, f"attempts:{slave}") == b"2"
        assert (told[slave]["failures"], "rows" in told[slave]) == ("2", False)
    # What the others tell of themselves is their own.
    alone = make_attachment(kind=job_kind(label, 2), batch=1, linger=0.001)
    for slave in good[:1]:
        told_in_batch = told[slave]
        client.delete(keys.slave(slave))
        again = replace_round(client, keys, master, label, slave)
        alone.stay()
        known = runs.slaves(client, keys.run_id, (slave,))[slave]
        assert {**known, "worker": ""} == {**told_in_batch, "worker": ""}
        assert client.get(again) == client.get(f"{again}:before")


def learnt(client: Redis, keys: RunKeys) -> None:
    """Write what rounds of training and testing go by."""
    known = {"mean": np.array([100.0, 15.0]), "scale": np.array([20.0, 10.0])}
    for name, arrays in (
        ("preprocessing:1", known),
        ("model:1", {"weights": np.linspace(-1, 1, 9).reshape(3, 3)}),
    ):
        artifact = Artifact(Schema.of(**arrays), list(arrays.values()))
        client.hset(keys.artifact(name), mapping=artifact.to_fields())


def replace_round(
    client: Redis, keys: RunKeys, master: MasterStore, label: Label, slave: str
) -> str:
    """Open a round again for one slave; keep its update of before beside the new one's key."""
    update = keys.round(label).update(slave)
    before = client.getdel(update)
    client.delete(keys.round(label).round, keys.round(label).arrived, keys.round(label).ids)
    open_round(master, label, (slave,), 1)
    client.set(f"{update}:before", before)
    return update


def test_a_batch_of_failures_alone_hands_in_nothing(
    client: Redis,
    keys: RunKeys,
    master: MasterStore,
    make_attachment: Stay,
    folder: Any,
    arrivals: list[tuple[str, str]],
) -> None:
    stay = make_attachment(batch=4)
    for slave in SLAVES:
        (folder / f"slave-{slave}.npy").unlink()
    open_round(master, quorum=1)
    stay.stay()
    assert (stay.counted, arrivals) == ({}, [])
    assert state_of(master, MOMENTS) is RoundState.BELOW_QUORUM


def test_updates_are_handed_in_a_few_at_a_time(
    master: MasterStore,
    make_attachment: Stay,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[int] = []
    submit = SlaveStore.submit

    def noting(store: SlaveStore, claim: Any, updates: Any, facts: Any) -> Any:
        sizes.append(len(updates))
        return submit(store, claim, updates, facts)

    monkeypatch.setattr(SlaveStore, "submit", noting)
    nbytes = 8 + 2 * 2 * 8  # a count, and sums and squares of two columns
    for number, (limit, expected) in enumerate(
        ((2 * nbytes, [2, 2]), (3 * nbytes, [3, 1]), (1, [1] * 4), (1_000_000, [4]))
    ):
        monkeypatch.setattr(attachment, "SUBMIT_BYTES", limit)
        label = Label(Kind.STATISTICS, number)
        sizes.clear()
        open_round(master, label)
        make_attachment(batch=4).stay()
        assert sizes == expected
        assert state_of(master, label) is RoundState.CLOSED
        master.commit(label, entry={}, progress={}, slaves=SLAVES)


def test_large_updates_are_handed_in_one_at_a_time(
    client: Redis,
    keys: RunKeys,
    master: MasterStore,
    make_attachment: Stay,
    monkeypatch: pytest.MonkeyPatch,
    arrivals: list[tuple[str, str]],
) -> None:
    small, large = Label(Kind.STATISTICS, 1), Label(Kind.STATISTICS, 2)
    open_round(master, small)
    make_attachment(batch=4).stay()
    monkeypatch.setattr(codec, "LARGE_BYTES", 0)
    monkeypatch.setattr(codec, "PART_BYTES", 16)
    sizes: list[int] = []
    submit = SlaveStore.submit

    def noting(store: SlaveStore, claim: Any, updates: Any, facts: Any) -> Any:
        sizes.append(len(updates))
        return submit(store, claim, updates, facts)

    monkeypatch.setattr(SlaveStore, "submit", noting)
    open_round(master, large)
    stay = make_attachment(batch=4)
    stay.stay()
    assert sizes == [1, 1, 1, 1]
    assert stay.counted == {"statistics": 4}
    assert order_of_arrival(arrivals, large) == list(SLAVES)
    assert state_of(master, large) is RoundState.CLOSED
    # They are the same bytes, and nothing of them is left elsewhere.
    for slave in SLAVES:
        parts = client.lrange(keys.round(large).update(slave), 0, -1)
        assert b"".join(parts) == client.get(keys.round(small).update(slave))
        assert len(parts) > 2
    assert client.keys("fedredis:*:staged:*") == []


def test_a_slave_whose_large_update_does_not_fit_is_reported(
    client: Redis,
    keys: RunKeys,
    master: MasterStore,
    make_attachment: Stay,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As one whose update is small: a feature map or a model may be a user's."""
    monkeypatch.setattr(codec, "LARGE_BYTES", 0)
    stay = make_attachment(batch=4)
    features = type(stay._run.features)
    sums = features.sums

    def wrong(self: Any, name: str, known: Any, X: Any) -> Any:
        arrays = sums(self, name, known, X)
        return [array[:1] for array in arrays] if len(X) == rows_of_2 else arrays

    rows_of_2 = len(stay._context.inputs.raw("2").train_X)
    monkeypatch.setattr(features, "sums", wrong)
    others = [s for s in SLAVES if len(stay._context.inputs.raw(s).train_X) != rows_of_2]
    open_round(master, quorum=1)
    with caplog.at_level(logging.ERROR):
        stay.stay()
    assert stay.counted == {"statistics": len(others)}
    assert "shape (1,), expected (2,)" in runs.slaves(client, keys.run_id, ("2",))["2"]["error"]


@pytest.mark.parametrize(
    ("seconds", "least", "most"),
    [
        (None, 1, 1),
        (10.0, 1, 1),
        (0.1, 1, 1),
        (0.02, 1, 5),
        (0.001, 3, 100),
        (0.0005, 6, 200),
        (0.00001, 256, 256),
        (0.0, 256, 256),
    ],
)
def test_as_many_slaves_are_claimed_as_are_worth_a_trip(
    make_context: Callable[..., WorkerContext],
    keys: RunKeys,
    seconds: float | None,
    least: int,
    most: int,
) -> None:
    there = make_context()
    stay = Attachment(there, there.view(keys.run_id), Kind.TRAIN)
    if seconds is not None:
        stay._seconds[Kind.TRAIN] = seconds
    stay._seconds[Kind.EVALUATE] = 1e9
    assert stay._worth_a_trip(Kind.TRAIN) == (least, most)


def test_how_long_a_slave_takes_is_seen_by_kind_of_round(
    master: MasterStore,
    make_context: Callable[..., WorkerContext],
    keys: RunKeys,
    monkeypatch: pytest.MonkeyPatch,
    arrivals: list[tuple[str, str]],
) -> None:
    """The first claim is of one slave; the next of as many as can be done in a while."""
    monkeypatch.setattr(attachment, "LINGER", 0.02)
    there = make_context()
    ticks = itertools.count(0, 0.001)
    stay = Attachment(there, there.view(keys.run_id), Kind.STATISTICS, lambda: next(ticks))
    sizes: list[int] = []
    claim = SlaveStore.claim

    def noting(store: SlaveStore, *args: Any, **kwargs: Any) -> Any:
        claimed = claim(store, *args, **kwargs)
        sizes.append(len(claimed.slaves) if claimed else 0)
        return claimed

    monkeypatch.setattr(SlaveStore, "claim", noting)
    open_round(master)
    stay.stay()
    assert stay._seconds == {Kind.STATISTICS: pytest.approx(0.001 / 3)}
    assert sizes[:2] == [1, 3]
    assert order_of_arrival(arrivals, MOMENTS) == list(SLAVES)


def test_below_a_quorum_the_round_fails(
    master: MasterStore, make_attachment: Stay, folder: Any
) -> None:
    stay = make_attachment()
    (folder / "slave-0.npy").write_bytes(b"?")
    open_round(master)
    stay.stay()
    assert state_of(master, MOMENTS) is RoundState.BELOW_QUORUM


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


def test_a_payload_that_redis_does_not_answer_with_is_no_failure_of_the_slave(
    client: Redis,
    keys: RunKeys,
    master: MasterStore,
    make_attachment: Stay,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_round(master)
    stay = make_attachment(batch=2)

    def away(*args: Any) -> None:
        raise RedisConnectionError("away")

    monkeypatch.setattr(stay._store, "artifact", away)
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
    assert state_of(master, second) is RoundState.CLOSED


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
    # It is looked at before and after the work of a claim, and before each wait.
    clock = itertools.count(0, LONGEST_STAY / 8)
    stay = make_attachment(*[open_next] * 50, clock=lambda: next(clock), batch=4)
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
    open_round(master, slaves=("0", "1"), quorum=2)
    stay = make_attachment(batch=2)
    name, submit = stay._context.card.name, stay._store.submit
    claims, there = keys.round(MOMENTS).claims, keys.attached(Kind.STATISTICS)
    prolonged: list[bool] = []

    def after_a_beat(claim: Any, *rest: Any) -> Any:
        client.hset(claims, mapping=dict.fromkeys(claim.slaves, f"{name} 1000"))
        client.zadd(there, {name: 1000})
        stay.beat()
        held = client.hmget(claims, *claim.slaves)
        prolonged.extend(int(lease.split()[1]) > 1000 for lease in held)
        prolonged.append(client.zscore(there, name) > 1000)
        return submit(claim, *rest)

    monkeypatch.setattr(stay._store, "submit", after_a_beat)
    stay.stay()
    assert prolonged == [True, True, True]
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

    def serve_at_once(label: Label, waiting: int, *rest: Any) -> None:
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
    assert {known["round"] for known in facts.values()} == {"evaluate:2"}
    assert sum(int(known["test_rows"]) for known in facts.values()) == 20
    assert sum(int(known["rows"]) for known in facts.values()) == 103 - 20


@pytest.mark.parametrize("limit", [0, 40, 72])
def test_a_whole_run_in_parts_comes_to_the_same_bits(
    client: Redis,
    make_config: Callable[..., RunConfig],
    make_context: Callable[..., WorkerContext],
    monkeypatch: pytest.MonkeyPatch,
    limit: int,
) -> None:
    monkeypatch.setattr(attachment, "LINGER", 0.001)
    ended: list[tuple[str, Any]] = []
    for large in (1_000_000, limit):
        monkeypatch.setattr(codec, "LARGE_BYTES", large)
        monkeypatch.setattr(codec, "PART_BYTES", 24)
        run_id, context = create_run(client, make_config()), make_context()

        def serve_at_once(
            label: Label,
            waiting: int,
            *rest: Any,
            run_id: str = run_id,
            context: WorkerContext = context,
        ) -> None:
            serve(context, run_id, job_kind(label, 2))

        drive_run(
            client,
            run_id,
            dispatcher=lambda store, config, dispatch=serve_at_once: dispatch,
            report=lambda label, entry: None,
            clock=time.monotonic,
        )
        history = runs.history(client, run_id)
        entries = {str(label): {**entry, "ms": 0} for label, entry in history.items()}
        ended.append((runs.artifact(client, run_id, "model:2").sha256, entries))
        in_parts = bool(client.exists(RunKeys(run_id).parts("model:2")))
        assert in_parts is (large < 72)
    assert ended[0] == ended[1]
