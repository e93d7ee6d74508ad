"""The round loop on a real server, with all slaves in the test's own process."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis.errors import LeaseLostError, RoundFailedError
from fedredis.keys import Kind, Label, RunKeys
from fedredis.store import runs
from fedredis.store.master import MasterStore
from fedredis.store.results import Submission

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from redis import Redis

    Make = Callable[..., Any]

#: The rounds of a run of three, in the order of their history.
ROUNDS = [
    *("evaluate:1", "evaluate:2", "evaluate:3", "statistics:1", "train:1", "train:2", "train:3")
]


class KilledError(BaseException):
    """Ends a master on the spot, as a kill does: nothing of its own is run any more."""


def test_a_run_goes_to_its_end(client: Redis, make_training: Make) -> None:
    training = make_training()
    training.drive()
    state = training.state
    assert (state.status, state.error, state.round) == ("finished", "", 3)
    assert (state.model, state.preprocessing) == ("model:3", "preprocessing:1")
    assert list(training.history) == ROUNDS
    order = [label for label, _ in training.reported]
    assert sorted(order) == ROUNDS
    assert [label for label in order if label.startswith("train")] == ROUNDS[-3:]
    assert order[0] == "statistics:1"
    for label, entry in training.reported:
        assert training.history[label] == json.loads(json.dumps(entry))
        assert (entry["slaves"], entry["missing"], entry["refused"]) == (3, [], {})
        assert entry["ms"] >= 0
    assert training.history["statistics:1"]["pass"] == "moments"
    assert training.history["train:2"]["samples"] == 45
    rates = [training.history[f"train:{n}"]["learning_rate"] for n in (1, 2, 3)]
    assert rates == pytest.approx([0.7, 0.7 * 2 / 3, 0.7 / 3])
    last = training.history["evaluate:3"]
    assert last["samples"] == last["rows"] == np.sum(last["confusion"])
    assert state.accuracy == last["accuracy"]
    assert client.hget(RunKeys(training.run_id).run, "accuracy") == repr(last["accuracy"]).encode()


def test_every_pass_of_the_features_is_a_round(make_training: Make) -> None:
    training = make_training(features="quadratic", rounds=1)
    training.drive()
    passes = [e["pass"] for label, e in training.reported if label.startswith("statistics")]
    assert passes == ["moments", "histogram", "products"]
    assert training.state.preprocessing == "preprocessing:3"
    assert runs.artifact(training.client, training.run_id, "preprocessing:2") is None


def test_the_model_is_the_mean_of_what_the_slaves_trained(make_training: Make) -> None:
    training = make_training(rounds=1)
    trained: dict[str, Any] = {}

    def keep(label: Label, slave: str, arrays: Any) -> Any:
        if label.kind is Kind.TRAIN:
            trained[slave] = arrays
        return arrays

    training.farm.spoil = keep
    training.drive()
    model = runs.artifact(training.client, training.run_id, "model:1")
    expected = (trained["0"][0] + trained["1"][0] + trained["2"][0]) / 45
    np.testing.assert_array_equal(model.arrays[0], expected)


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_arrival_changes_no_bit(make_training: Make, seed: int) -> None:
    in_order = make_training(slaves=12)
    in_order.drive()
    shuffled = make_training(slaves=12, farm={"rng": random.Random(seed)})
    shuffled.drive()
    assert shuffled.digest == in_order.digest
    for label in ROUNDS:
        one, other = in_order.history[label], shuffled.history[label]
        assert {**one, "ms": 0} == {**other, "ms": 0}


def test_another_seed_gives_another_model(make_training: Make) -> None:
    one, other = make_training(seed=1), make_training(seed=2)
    one.drive()
    other.drive()
    assert one.digest != other.digest


@pytest.fixture
def undisturbed(make_training: Make) -> Any:
    """Return a run that nothing happened to."""
    training = make_training()
    training.drive()
    return training


def same_as(training: Any, undisturbed: Any) -> bool:
    """Say whether a run ended as if nothing had happened to it."""
    assert training.state.status == "finished"
    assert list(training.history) == ROUNDS
    for label in ROUNDS:
        assert {**training.history[label], "ms": 0} == {**undisturbed.history[label], "ms": 0}
    # Each round was committed once, and each slave counted once in it.
    labels = [label for label, _ in training.reported]
    assert sorted(labels) == ROUNDS
    for slave in training.config.slave_ids:
        key = RunKeys(training.run_id).slave(slave)
        assert training.client.hget(key, "updates") == str(len(ROUNDS)).encode()
    assert training.client.keys(f"fedredis:*{training.run_id}*:round:*") == []
    return bool(training.digest == undisturbed.digest)


@pytest.mark.parametrize("point", ROUNDS)
def test_a_run_that_is_killed_after_a_commit_goes_on_from_there(
    make_training: Make, undisturbed: Any, point: str
) -> None:
    training = make_training()

    def kill(label: Label, entry: Mapping[str, Any]) -> None:
        if str(label) == point:
            raise KilledError

    with pytest.raises(KilledError):
        training.drive(kill)
    assert training.state.status == "running"
    training.let_lease_end()
    training.drive()
    assert same_as(training, undisturbed)


@pytest.mark.parametrize("point", ROUNDS)
def test_a_run_that_is_killed_in_mid_round_goes_on_with_that_round(
    make_training: Make, undisturbed: Any, point: str
) -> None:
    training = make_training()
    key = RunKeys(training.run_id)

    def kill(label: Label, slave: str) -> None:
        if (str(label), slave) == (point, "1"):
            raise KilledError

    training.farm.before = kill
    with pytest.raises(KilledError):
        training.drive()
    assert training.client.get(f"{key.run}:round:{point}:arrived") == b"1"
    training.let_lease_end()
    # The slaves were claimed, by a worker that has died with them.
    claims = f"{key.run}:round:{point}:claims"
    for slave in training.client.hkeys(claims):
        training.client.hset(claims, slave, "farm-1 1")
    training.farm.before = lambda label, slave: None
    training.drive()
    assert same_as(training, undisturbed)


def test_a_test_that_lags_behind_a_killed_master_is_made_up_for(
    make_training: Make, undisturbed: Any
) -> None:
    training = make_training(
        farm={"absent": lambda label, slave: (str(label), slave) == ("evaluate:1", "2")}
    )

    def kill(label: Label, entry: Mapping[str, Any]) -> None:
        if str(label) == "train:2":
            raise KilledError

    with pytest.raises(KilledError):
        training.drive(kill)
    assert list(training.history) == ["statistics:1", "train:1", "train:2"]
    training.let_lease_end()
    claims = RunKeys(training.run_id).round(Label(Kind.EVALUATE, 1)).claims
    assert training.client.hset(claims, "2", "farm-1 1") == 0
    training.farm.absent = lambda label, slave: False
    training.drive()
    assert same_as(training, undisturbed)


def test_a_run_that_is_killed_again_and_again(make_training: Make, undisturbed: Any) -> None:
    training = make_training()

    def kill(label: Label, entry: Mapping[str, Any]) -> None:
        raise KilledError

    for _ in ROUNDS:
        with pytest.raises(KilledError):
            training.drive(kill)
        training.let_lease_end()
    training.drive()
    assert same_as(training, undisturbed)


def test_a_round_that_closed_while_no_master_was_there_is_taken_as_it_is(
    make_training: Make, undisturbed: Any
) -> None:
    training = make_training()
    serve = training.farm
    calls: list[str] = []

    def kill_after_all_are_in(label: Label, waiting: int) -> None:
        serve(label, waiting)
        if str(label) == "train:2" and not calls:
            calls.append("killed")
            raise KilledError

    training.farm = kill_after_all_are_in
    with pytest.raises(KilledError):
        training.drive()
    training.let_lease_end()
    training.drive()
    assert same_as(training, undisturbed)
    assert serve.dispatched.count(("train:2", 0)) == 1


def test_a_run_that_is_over_is_left_as_it_is(make_training: Make, undisturbed: Any) -> None:
    before = undisturbed.digest, undisturbed.history
    undisturbed.drive()
    assert (undisturbed.digest, undisturbed.history) == before
    assert undisturbed.state.status == "finished"


def test_the_master_says_for_how_many_it_waits(make_training: Make) -> None:
    training = make_training(rounds=1)
    training.drive()
    assert training.farm.dispatched == [("statistics:1", 3), ("train:1", 3), ("evaluate:1", 3)]


def test_a_master_that_waits_renews_its_lease(client: Redis, make_training: Make) -> None:
    training = make_training(rounds=1)
    serve, lease = training.farm, RunKeys(training.run_id).lease
    left: list[int] = []

    def dispatch(label: Label, waiting: int) -> None:
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
        match=r"^round train:1 was not complete at its deadline: .*2 needed; missing: 0, 2$",
    ) as failure:
        training.drive()
    assert (training.state.status, training.state.error) == ("failed", str(failure.value))
    assert list(training.history) == ["statistics:1"]
    assert training.state.model == "model:0"


def test_a_run_that_failed_goes_on_when_the_slaves_are_back(
    make_training: Make, undisturbed: Any
) -> None:
    training = make_training(
        farm={"absent": lambda label, slave: str(label) == "train:2" and slave == "1"},
        round_timeout_ms=100,
    )
    with pytest.raises(RoundFailedError, match="missing: 1"):
        training.drive()
    claims = RunKeys(training.run_id).round(Label(Kind.TRAIN, 2)).claims
    assert training.client.hset(claims, "1", "farm-1 1") == 0
    training.farm.absent = lambda label, slave: False
    training.drive()
    assert same_as(training, undisturbed)


def test_slaves_that_are_given_up_fail_the_round_with_their_reasons(make_training: Make) -> None:
    training = make_training()
    serve = training.farm

    def fail(label: Label, waiting: int) -> None:
        if label.kind is Kind.STATISTICS:
            serve(label, waiting)
            return
        claim = serve.store.claim(label, ("2",), take_any=False)
        serve.store.fail(claim, "2", attempts=1, traceback="Traceback:\nValueError: no rows")

    training.farm = fail
    with pytest.raises(RoundFailedError, match=r"round train:1 failed: .*slave 2: ValueError: no"):
        training.drive()
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


def test_a_run_that_failed_by_refused_updates_can_go_on(
    make_training: Make, undisturbed: Any
) -> None:
    training = make_training(farm={"spoil": nan_from("1")})
    with pytest.raises(RoundFailedError, match="slave 1: array 'weights' is not finite"):
        training.drive()
    training.farm.spoil = lambda label, slave, arrays: arrays
    training.drive()
    assert training.state.status == "finished"
    assert training.digest == undisturbed.digest


def test_rows_of_nobody_make_no_model(make_training: Make, monkeypatch: Any) -> None:
    training = make_training()
    work = training.farm.work

    def no_rows(label: Label, slave: str, fields: Mapping[str, str]) -> Any:
        schema, arrays, samples = work(label, slave, fields)
        return schema, arrays, 0 if label.kind is Kind.TRAIN else samples

    monkeypatch.setattr(training.farm, "work", no_rows)
    with pytest.raises(RoundFailedError, match="train:1"):
        training.drive()
    assert training.state.model == "model:0"


def test_a_master_that_was_overtaken_stops_and_changes_nothing(
    client: Redis, make_training: Make, snapshot: Callable[[Redis], Any]
) -> None:
    training = make_training()
    keys = RunKeys(training.run_id)
    overtaken: dict[str, Any] = {}

    def overtake(label: Label, entry: Mapping[str, Any]) -> None:
        if str(label) == "train:1":
            training.let_lease_end()
            MasterStore(client, keys, token="second", lease_ms=60_000).acquire()
            overtaken.update(snapshot(client))

    with pytest.raises(LeaseLostError, match=f"taken over run {training.run_id}"):
        training.drive(overtake)
    assert snapshot(client) == overtaken
    assert client.get(keys.lease) == b"second"
    assert client.hmget(keys.run, "status", "epoch", "round") == [b"running", b"2", b"1"]


def test_a_late_update_of_a_round_that_is_over_changes_nothing(make_training: Make) -> None:
    training, late = make_training(), make_training()
    training.drive()
    old: list[Any] = []

    def keep_a_claim(label: Label, slave: str) -> None:
        if (str(label), slave) == ("train:1", "0"):
            claim = type(late.farm.store.claim(label, (), take_any=True))(label, 1, ("0",))
            old.append(claim)

    def hand_in(label: Label, entry: Mapping[str, Any]) -> None:
        if str(label) == "train:2":
            blob = late.farm.model.schema().encode([np.full((3, 3), 1e6)])
            results.append(late.farm.store.submit(old[0], "0", 99, blob, {}))

    results: list[Submission] = []
    late.farm.before = keep_a_claim
    late.drive(hand_in)
    assert results == [Submission.LATE]
    assert late.digest == training.digest


def test_a_model_is_kept_as_long_as_it_is_under_test(client: Redis, make_training: Make) -> None:
    """The worker that tests model 1 on slave 2 is slow: the test ends after training round 3."""
    first, held = Label(Kind.EVALUATE, 1), []
    training = make_training(
        farm={"absent": lambda label, slave: (label, slave) == (first, "2") and not held}
    )
    serve, keys = training.farm, RunKeys(training.run_id)

    def dispatch(label: Label, waiting: int) -> None:
        if label == first and held:
            # It hands in at the first chance after training round 3 has arrived.
            if client.get(keys.round(Label(Kind.TRAIN, 3)).arrived) == b"3":
                claims = keys.round(first).claims
                client.hset(claims, "2", "farm-1 1")
                MasterStore(client, keys, token="", lease_ms=100).reclaim(first)
                serve(label, waiting)
            return
        serve(label, waiting)
        if label == first:
            held.append(label)

    def look(label: Label, entry: Mapping[str, Any]) -> None:
        tested = runs.evaluations(client, training.run_id)
        for number in range(1, training.state.round):
            kept = client.exists(keys.artifact(f"model:{number}"))
            assert kept or number in tested, f"model {number} is gone, and not tested yet"

    training.farm = dispatch
    training.drive(look)
    assert list(training.history) == ROUNDS


def test_two_tests_at_most_are_on_their_way(client: Redis, make_training: Make) -> None:
    training = make_training(rounds=5)
    open_at_once: list[int] = []

    def count(label: Label, slave: str) -> None:
        labels = client.zrange(RunKeys(training.run_id).open, 0, -1)
        open_at_once.append(sum(label.startswith(b"evaluate") for label in labels))

    training.farm.before = count
    training.drive()
    assert max(open_at_once) <= 2


def test_a_dead_workers_slaves_are_sent_for_again(client: Redis, make_training: Make) -> None:
    training = make_training(rounds=1)
    serve = training.farm
    claims = RunKeys(training.run_id).round(Label(Kind.TRAIN, 1)).claims
    died: list[str] = []

    def dispatch(label: Label, waiting: int) -> None:
        if label.kind is Kind.TRAIN and not died:
            serve.store.claim(label, ("1", "2"), take_any=False, count=2)
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
