"""Rounds on their way, on a real server: leases, deadlines, quorums, updates that do not count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis.errors import RoundFailedError
from fedredis.keys import Kind, Label, RunKeys
from fedredis.models import LogisticRegression
from fedredis.store import runs
from fedredis.store.master import MasterStore
from fedredis.store.results import Failure, Submission
from fedredis.store.slave import Claim, Packed
from fedredis.update import Update, pack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from redis import Redis

    Make = Callable[..., Any]

FAILED = r"^round train:1 can't be completed: 0 of 3 slaves counted, 3 needed; "

#: The rounds of a run of three, in the order of their history.
ROUNDS = [
    *("evaluate:1", "evaluate:2", "evaluate:3", "statistics:1", "train:1", "train:2", "train:3")
]


def test_a_round_that_redis_has_lost_ends_the_run(
    client: Redis, make_training: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = make_training()
    commit = MasterStore.commit

    def losing(store: MasterStore, label: Label, **given: Any) -> Any:
        if str(label) == "train:2":
            client.delete(store.keys.round(label).round)
        return commit(store, label, **given)

    monkeypatch.setattr(MasterStore, "commit", losing)
    with pytest.raises(RoundFailedError, match=r"round train:2 is gone from Redis"):
        training.drive()
    assert training.state.status == "failed"
    assert training.state.round == 1


def test_the_master_says_for_how_many_it_waits(make_training: Make) -> None:
    training = make_training(rounds=1)
    training.drive()
    assert training.farm.dispatched == [("statistics:1", 3), ("train:1", 3), ("evaluate:1", 3)]


def test_a_master_that_waits_renews_its_lease(client: Redis, make_training: Make) -> None:
    training = make_training(rounds=1)
    serve, lease = training.farm, RunKeys(training.run_id).lease
    left: list[int] = []

    def dispatch(label: Label, waiting: int, *rest: Any) -> None:
        if label.kind is not Kind.TRAIN:
            serve(label, waiting)
        elif not left:
            left.append(500)
            client.pexpire(lease, 500)
        else:
            left.append(client.pttl(lease))
            serve(label, waiting)

    training.farm = dispatch
    training.drive()
    assert len(left) == 2
    assert left[1] > 500


def test_a_slave_that_never_comes_is_named_and_the_quorum_goes_on(make_training: Make) -> None:
    training = make_training(
        farm={"absent": lambda label, slave: slave == "1"}, quorum=2, round_timeout_ms=100
    )
    training.drive()
    assert training.state.status == "finished"
    assert list(training.history) == ROUNDS
    for entry in training.history.values():
        assert (entry["missing"], entry["slaves"]) == (["1"], 2)
    assert training.history["train:1"]["samples"] == 30


def test_below_the_quorum_the_run_ends_and_says_who_is_missing(make_training: Make) -> None:
    training = make_training(
        farm={"absent": lambda label, slave: label.kind is Kind.TRAIN and slave in "02"},
        quorum=2,
        round_timeout_ms=100,
    )
    with pytest.raises(
        RoundFailedError,
        match=r"^round train:1 can't be completed: 1 of 3 slaves counted, 2 needed; "
        r"missing: 0, 2$",
    ) as failure:
        training.drive()
    assert (training.state.status, training.state.error) == ("failed", str(failure.value))
    assert list(training.history) == ["statistics:1"]
    assert training.state.model == "model:0"


def test_slaves_that_are_given_up_fail_the_round_with_their_reasons(make_training: Make) -> None:
    training = make_training()
    serve = training.farm

    def fail(label: Label, waiting: int, *rest: Any) -> None:
        if label.kind is Kind.STATISTICS:
            serve(label, waiting)
            return
        claim = serve.store.claim(label, ("2",), attached=Kind.TRAIN, take_any=False)
        serve.store.fail(claim, "2", attempts=1, traceback="Traceback:\nValueError: no rows")

    training.farm = fail
    with pytest.raises(RoundFailedError, match=FAILED) as failure:
        training.drive()
    assert str(failure.value).endswith("missing: 0, 1, 2; slave 2: ValueError: no rows")
    assert training.state.status == "failed"


def nan_from(*slaves: str) -> Callable[[Label, str, Any], Any]:
    def spoil(label: Label, slave: str, arrays: Any) -> Any:
        if label.kind is Kind.TRAIN and slave in slaves:
            return [np.full_like(array, np.nan) for array in arrays]
        return arrays

    return spoil


def test_a_refused_update_is_recorded_and_not_averaged(make_training: Make) -> None:
    training = make_training(farm={"spoil": nan_from("1")}, quorum=2)
    training.drive()
    assert list(training.history) == ROUNDS
    for number in (1, 2, 3):
        entry = training.history[f"train:{number}"]
        assert entry["refused"] == {"1": "array 'weights' is not finite"}
        assert (entry["slaves"], entry["samples"], entry["missing"]) == (2, 30, [])
        model = runs.artifact(training.client, training.run_id, "model:3")
        assert np.isfinite(model.arrays[0]).all()
    without = make_training(
        farm={"absent": lambda label, slave: label.kind is Kind.TRAIN and slave == "1"},
        quorum=2,
        round_timeout_ms=100,
    )
    without.drive()
    assert without.digest == training.digest


def test_too_many_refused_updates_end_the_run(make_training: Make) -> None:
    training = make_training(farm={"spoil": nan_from("0", "1")}, quorum=2)
    with pytest.raises(
        RoundFailedError,
        match=r"round train:1 has too few updates that can be counted: 1 of 3 slaves counted, "
        r"2 needed; slave 0: array 'weights' is not finite; slave 1: array",
    ):
        training.drive()
    assert training.state.model == "model:0"


def test_a_late_update_of_a_round_that_is_over_changes_nothing(make_training: Make) -> None:
    training, late = make_training(), make_training()
    training.drive()
    old: list[Any] = []

    def keep_a_claim(label: Label, slave: str) -> None:
        if (str(label), slave) == ("train:1", "0"):
            old.append(Claim(label, 1, ("0",)))

    def hand_in(label: Label, entry: Mapping[str, Any]) -> None:
        if str(label) == "train:2":
            schema = LogisticRegression(2, 3).schema()
            packed = pack(schema, Update(99, [np.full((3, 3), 1e6)]))
            results.extend(late.farm.store.submit(old[0], [Packed("0", packed, ())], ()))

    results: list[Submission] = []
    late.farm.before = keep_a_claim
    late.drive(hand_in)
    assert results == [Submission.LATE]
    assert late.digest == training.digest


def test_a_dead_workers_slaves_are_sent_for_again(client: Redis, make_training: Make) -> None:
    training = make_training(rounds=1)
    serve = training.farm
    claims = RunKeys(training.run_id).round(Label(Kind.TRAIN, 1)).claims
    died: list[str] = []

    def dispatch(label: Label, waiting: int, *rest: Any) -> None:
        if label.kind is Kind.TRAIN and not died:
            serve.store.claim(
                label, ("1", "2"), attached=Kind.TRAIN, take_any=False, least=2, most=2
            )
            client.hset(claims, mapping={"1": "farm-1 1", "2": "farm-1 1"})
            died.append("1 and 2")
        serve(label, waiting)

    training.farm = dispatch
    training.drive()
    assert training.state.status == "finished"
    assert ("train:1", 2) in serve.dispatched
    events = client.xrange(RunKeys(training.run_id).events)
    reclaimed = [e[b"slave"] for _, e in events if e[b"type"] == b"reclaimed"]
    assert sorted(reclaimed) == [b"1", b"2"]


def spoil_with(value: float, *slaves: str) -> Callable[[Label, str, Any], Any]:
    def spoil(label: Label, slave: str, arrays: Any) -> Any:
        if label.kind is Kind.TRAIN and slave in slaves:
            return [np.full_like(array, value) for array in arrays]
        return arrays

    return spoil


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, 1e9])
def test_an_update_far_away_is_refused_for_its_norm_and_one_that_is_not_finite(
    make_training: Make, value: float
) -> None:
    training = make_training(farm={"spoil": spoil_with(value, "2")}, quorum=2, rounds=1)
    training.drive()
    entry = training.history["train:1"]
    assert list(entry["refused"]) == ["2"]
    away = r"is not finite" if not np.isfinite(value) else "away from the global model, more than"
    assert away in entry["refused"]["2"]
    assert (entry["slaves"], entry["samples"]) == (2, 30)


def test_how_far_an_update_may_be_away_is_the_runs_to_say(make_training: Make) -> None:
    training = make_training(max_norm=1e-6, quorum=1, rounds=1)
    with pytest.raises(RoundFailedError, match=r"slave 0: it is .* away .* more than 1e-06"):
        training.drive()
    wide = make_training(max_norm=1e12, farm={"spoil": spoil_with(1e9, "2")}, rounds=1)
    wide.drive()
    assert wide.history["train:1"]["refused"] == {}


def test_refused_updates_make_room_for_a_second_try(make_training: Make) -> None:
    training = make_training(farm={"spoil": nan_from("0", "2")}, quorum=2)
    with pytest.raises(RoundFailedError) as failure:
        training.drive()
    assert str(failure.value) == (
        "round train:1 has too few updates that can be counted: "
        "1 of 3 slaves counted, 2 needed; "
        "slave 0: array 'weights' is not finite; slave 2: array 'weights' is not finite"
    )
    keys = RunKeys(training.run_id).round(Label(Kind.TRAIN, 1))
    client = training.client
    assert client.hget(keys.round, "state") == b"failed"
    assert client.get(keys.arrived) == b"1"
    assert [client.exists(keys.update(slave)) for slave in "012"] == [0, 1, 0]


@pytest.mark.parametrize(("lease_ms", "most"), [(100, 0.05), (1_000, 0.5), (600_000, 5.0)])
def test_a_master_looks_up_well_before_its_lease_ends(
    make_training: Make, monkeypatch: pytest.MonkeyPatch, lease_ms: int, most: float
) -> None:
    monkeypatch.undo()
    training = make_training(rounds=1, lease_ms=60_000)
    object.__setattr__(training.config, "lease_ms", lease_ms)
    keys = RunKeys(training.run_id)
    training.client.hset(keys.run, "config", training.config.to_json())
    waits: list[float] = []
    wait, serve = MasterStore.wait, training.farm

    def noting(store: MasterStore, after: bytes, seconds: float) -> Any:
        waits.append(seconds)
        for label in serve.store.open_rounds().labels:
            serve(label, 3)
        return wait(store, after, 0)

    def dispatch(label: Label, waiting: int, *rest: Any) -> None:
        """Send nobody yet."""

    monkeypatch.setattr(MasterStore, "wait", noting)
    monkeypatch.setattr("fedredis.store.master.DISK_WAIT_MS", 1)
    training.farm = dispatch
    training.drive()
    assert 0 < max(waits) <= most


@pytest.fixture
def no_second_tick(make_training: Make, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Return a maker of runs whose master goes by events alone, after its first look."""
    monkeypatch.setattr("fedredis.rounds.TICK", 3600.0)
    return lambda **changes: make_training(rounds=1, lease_ms=100_000_000, **changes)


def test_a_large_update_is_summed_before_the_round_is_complete(
    no_second_tick: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = no_second_tick()
    keys, first = RunKeys(training.run_id), Label(Kind.TRAIN, 1)
    fetched: list[tuple[list[str], bytes]] = []
    to_come = [("0", "1"), ("2",)]
    updates, wait, serve = MasterStore.updates, MasterStore.wait, training.farm

    def hand_in(*slaves: str) -> None:
        fields = serve.store.task_of(first)
        for slave in slaves:
            schema, arrays, samples = serve.work(first, slave, fields)
            packed = Packed(slave, pack(schema, Update(samples, arrays)), ())
            serve.store.submit(Claim(first, 1, (slave,)), [packed], ())
            # As if it were large.
            training.client.xadd(keys.events, {"type": "arrived", "round": "train:1"})

    def noting(store: MasterStore, label: Label, slaves: Any) -> Any:
        if label == first:
            state = training.client.hget(keys.round(first).round, "state")
            fetched.append((list(slaves), state))
        return updates(store, label, slaves)

    def something_happens(store: MasterStore, after: bytes, seconds: float) -> Any:
        if training.client.exists(keys.round(first).round) and to_come:
            hand_in(*to_come.pop(0))
        return wait(store, after, seconds)

    monkeypatch.setattr(MasterStore, "updates", noting)
    monkeypatch.setattr(MasterStore, "wait", something_happens)
    serve.absent = lambda label, slave: label == first
    training.drive()
    # Slave 2 was not in at the first two looks; nobody was fetched twice.
    whole, rest = ["0", "1", "2"], ["2"]
    assert fetched == [(whole, b"open"), (rest, b"open"), (rest, b"closed")]
    assert training.history["train:1"]["slaves"] == 3


def test_a_round_that_fails_is_heard_of_at_once(
    no_second_tick: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = no_second_tick()
    first, wait, serve = Label(Kind.TRAIN, 1), MasterStore.wait, training.farm
    failures: list[Failure] = []

    def something_happens(store: MasterStore, after: bytes, seconds: float) -> Any:
        if first in serve.store.open_rounds().labels and not failures:
            claim = Claim(first, 1, ("1",))
            failures.append(serve.store.fail(claim, "1", attempts=1, traceback="ValueError: no"))
        return wait(store, after, seconds)

    monkeypatch.setattr(MasterStore, "wait", something_happens)
    serve.absent = lambda label, slave: label == first and slave == "1"
    with pytest.raises(RoundFailedError, match=r"2 of 3 slaves counted.*slave 1: ValueError: no"):
        training.drive()
    assert failures == [Failure.GIVEN_UP]


def test_a_run_that_failed_by_refused_updates_can_go_on(
    make_training: Make,
) -> None:
    undisturbed = make_training()
    undisturbed.drive()
    training = make_training(farm={"spoil": nan_from("1")})
    with pytest.raises(RoundFailedError, match="slave 1: array 'weights' is not finite"):
        training.drive()
    training.farm.spoil = lambda label, slave, arrays: arrays
    training.drive()
    assert training.state.status == "finished"
    assert training.digest == undisturbed.digest
