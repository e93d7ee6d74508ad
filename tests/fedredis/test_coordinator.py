"""The round loop on a real server, with all slaves in the test's own process."""

from __future__ import annotations

import json
import random
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis import codec, master
from fedredis.errors import LeaseLostError, RoundFailedError
from fedredis.keys import Kind, Label, RunKeys
from fedredis.store import runs
from fedredis.store.master import MasterStore
from fedredis.store.results import Failure
from fedredis.store.slave import Claim
from fedredis.strategies import FedAvg, Global

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
    assert state.score == last["accuracy"]
    assert client.hget(RunKeys(training.run_id).run, "score") == repr(last["accuracy"]).encode()


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


def happened(training: Any, type_: str) -> list[str]:
    """List the rounds that events of a type tell of."""
    entries = training.client.xrange(RunKeys(training.run_id).events)
    told = [entry for _, entry in entries if entry[b"type"].decode() == type_]
    return [entry[b"round"].decode() for entry in told]


def same_as(training: Any, undisturbed: Any) -> bool:
    """Say whether a run ended as if nothing had happened to it."""
    assert training.state.status == "finished"
    assert list(training.history) == ROUNDS
    for label in ROUNDS:
        assert {**training.history[label], "ms": 0} == {**undisturbed.history[label], "ms": 0}
    # Each round was committed once, and each slave counted once in it.
    labels = [label for label, _ in training.reported]
    assert sorted(labels) == ROUNDS
    assert sorted(happened(training, "committed")) == ROUNDS
    assert {entry["slaves"] for entry in training.history.values()} == {3}
    assert training.client.keys(f"fedredis:*{training.run_id}*:round:*") == []
    return bool(training.digest == undisturbed.digest)


def let_be_large(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """Let what has more bytes travel in parts; statistics have 40, models 72, tests 96."""
    monkeypatch.setattr(codec, "LARGE_BYTES", limit)
    monkeypatch.setattr(codec, "PART_BYTES", 16)


@pytest.mark.parametrize("limit", [0, 39, 40, 72, 100])
def test_a_run_in_parts_comes_to_the_same_bits(
    client: Redis,
    make_training: Make,
    undisturbed: Any,
    monkeypatch: pytest.MonkeyPatch,
    limit: int,
) -> None:
    let_be_large(monkeypatch, limit)
    training = make_training(farm={"rng": random.Random(limit)})
    training.drive()
    assert same_as(training, undisturbed)
    parts = client.keys(f"fedredis:*{training.run_id}*:parts")
    names = {key.decode().rsplit("}:")[1] for key in parts}
    assert names == {
        *(f"{name}:parts" for name in ("model:2", "model:3") if limit < 72),
        *(f"{name}:parts" for name in ("preprocessing:1",) if limit < 32),
    }
    assert client.keys("fedredis:*:staged:*") == []
    # Each that is large is told of as it comes, but for the last one of a round.
    told = happened(training, "arrived")
    assert told.count("train:1") == (2 if limit < 72 else 0)
    assert told.count("statistics:1") == (2 if limit < 40 else 0)


@pytest.mark.parametrize("features", ["plain", "quadratic"])
def test_a_run_of_more_passes_in_parts_comes_to_the_same_bits(
    make_training: Make, monkeypatch: pytest.MonkeyPatch, features: str
) -> None:
    small = make_training(slaves=5, features=features)
    small.drive()
    let_be_large(monkeypatch, 0)
    large = make_training(slaves=5, features=features)
    large.drive()
    assert large.digest == small.digest
    for label, entry in small.history.items():
        assert {**large.history[label], "ms": 0} == {**entry, "ms": 0}


@pytest.mark.parametrize("point", ["statistics:1", "train:1", "train:2", "evaluate:2"])
def test_a_run_in_parts_that_is_killed_in_mid_round_goes_on_with_that_round(
    make_training: Make, undisturbed: Any, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    let_be_large(monkeypatch, 0)
    training = make_training()

    def kill(label: Label, slave: str) -> None:
        if (str(label), slave) == (point, "1"):
            raise KilledError

    training.farm.before = kill
    with pytest.raises(KilledError):
        training.drive()
    training.let_lease_end()
    claims = f"{RunKeys(training.run_id).run}:round:{point}:claims"
    for slave in training.client.hkeys(claims):
        training.client.hset(claims, slave, "farm-1 1")
    training.farm.before = lambda label, slave: None
    training.drive()
    assert same_as(training, undisturbed)


def test_a_large_update_that_can_not_be_counted_is_told_of(
    make_training: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_be_large(monkeypatch, 0)

    def spoil(label: Label, slave: str, arrays: Any) -> Any:
        if (label.kind, slave) == (Kind.TRAIN, "1"):
            return [array * np.nan for array in arrays]
        return arrays

    training = make_training(farm={"spoil": spoil}, quorum=2, rounds=1)
    training.drive()
    assert training.history["train:1"]["refused"] == {"1": "array 'weights' is not finite"}
    assert training.history["train:1"]["slaves"] == 2
    assert training.state.status == "finished"


def test_the_model_that_a_run_began_with_does_not_stay_in_memory(
    make_training: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: list[weakref.ref[Any]] = []
    make_progress = master._progress

    def noting(*given: Any) -> Any:
        progress = make_progress(*given)
        there.extend(weakref.ref(array) for array in progress.current.parameters)
        return progress

    training = make_training()

    def interrupt(label: Label, entry: Mapping[str, Any]) -> None:
        if str(label) == "train:1":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.drive(interrupt)
    monkeypatch.setattr(master, "_progress", noting)
    gone: dict[str, bool] = {}

    def look(label: Label, entry: Mapping[str, Any]) -> None:
        gone[str(label)] = all(ref() is None for ref in there)

    training.drive(look)
    assert there
    assert gone["train:3"]


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

    def kill_after_all_are_in(label: Label, waiting: int, *rest: Any) -> None:
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
    assert happened(training, "opened").count("train:2") == 2
    assert happened(training, "closed").count("train:2") == 1
    assert happened(training, "refused") == []  # nobody did it again


def test_a_run_that_is_over_is_left_as_it_is(make_training: Make, undisturbed: Any) -> None:
    before = undisturbed.digest, undisturbed.history
    undisturbed.drive()
    assert (undisturbed.digest, undisturbed.history) == before
    assert undisturbed.state.status == "finished"


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


def test_a_model_is_kept_as_long_as_it_is_under_test(client: Redis, make_training: Make) -> None:
    """The worker that tests model 1 on slave 2 is slow: the test ends after training round 3."""
    first, held = Label(Kind.EVALUATE, 1), []
    training = make_training(
        farm={"absent": lambda label, slave: (label, slave) == (first, "2") and not held}
    )
    serve, keys = training.farm, RunKeys(training.run_id)

    def dispatch(label: Label, waiting: int, *rest: Any) -> None:
        if label == first and held:
            # It hands in at the first chance after training round 3 has arrived.
            if client.get(keys.round(Label(Kind.TRAIN, 3)).arrived) == b"3":
                claims = keys.round(first).claims
                assert client.hdel(claims, "2") == 1
                client.zadd(keys.round(first).ids, {"2": 0})
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


def test_a_failure_between_two_masters_does_not_close_the_round_that_starts_over(
    make_training: Make, undisturbed: Any
) -> None:
    """The last attempt of a slave fails while the next master is on its way to that round."""
    training = make_training(
        farm={"absent": lambda label, slave: str(label) == "evaluate:1" and slave == "2"}
    )
    second, serve = Label(Kind.TRAIN, 2), training.farm
    keys = RunKeys(training.run_id).round(second)

    def kill(label: Label, slave: str) -> None:
        if label == second:
            raise KilledError

    serve.before = kill
    with pytest.raises(KilledError):
        training.drive()
    training.let_lease_end()
    first = RunKeys(training.run_id).round(Label(Kind.EVALUATE, 1)).claims
    training.client.hset(first, "2", "farm-1 1")
    serve.before, serve.absent = lambda label, slave: None, lambda label, slave: False
    answers: list[Failure] = []
    sent_for: list[int] = []

    def dispatch(label: Label, waiting: int, *rest: Any) -> None:
        if label == Label(Kind.EVALUATE, 1) and not answers:
            # Training round 2 is as the first master left it, and still to be opened.
            claim = Claim(second, 1, ("0",))
            answers.append(serve.store.fail(claim, "0", attempts=1, traceback="boom"))
            assert training.client.hget(keys.round, "state") == b"failed"
        if label == second:
            sent_for.append(waiting)
            if len(sent_for) < 3:
                # Workers take their time: the master hears of all that happened before.
                return
        serve(label, waiting)

    training.farm = dispatch
    training.drive()
    assert answers == [Failure.GIVEN_UP]
    assert same_as(training, undisturbed)


def test_a_sample_of_the_slaves_trains_and_all_of_them_test(make_training: Make) -> None:
    training = make_training(slaves=5, sample=2, rounds=4)
    training.drive()
    for number in range(1, 5):
        trained, tested = (training.history[f"{kind}:{number}"] for kind in ("train", "evaluate"))
        assert (trained["slaves"], trained["samples"], trained["missing"]) == (2, 30, [])
        assert (tested["slaves"], tested["missing"]) == (5, [])
    claimed = [label for label, waiting in training.farm.dispatched if waiting == 2]
    assert set(claimed) == {f"train:{number}" for number in range(1, 5)}


class Scripted(FedAvg):
    """Says when it has converged."""

    def converged(self, before: Global, after: Global) -> bool:
        return bool(np.abs(after.parameters[0] - before.parameters[0]).max() < self.tolerance)

    tolerance = 0.0


def scores_of(monkeypatch: pytest.MonkeyPatch, scores: Mapping[int, float]) -> None:
    """Let the test of each round's model come out as given."""
    committed = iter(sorted(scores))

    def figures(measure: Any, total: Any) -> dict[str, Any]:
        number = next(committed)
        return {"accuracy": scores[number], "log_loss": 1.0, "rows": 1, "confusion": []}

    monkeypatch.setattr("fedredis.metrics.Classification.figures", figures)


@pytest.mark.parametrize(
    ("patience", "rounds", "best"),
    # The test of a round ends while the next one is trained: that one is not undone.
    [(0, 8, 6), (1, 4, 2), (2, 5, 2), (3, 6, 6), (4, 8, 6)],
)
def test_training_ends_when_it_has_lost_patience(
    client: Redis,
    make_training: Make,
    monkeypatch: pytest.MonkeyPatch,
    patience: int,
    rounds: int,
    best: int,
) -> None:
    scores = {1: 0.4, 2: 0.6, 3: 0.5, 4: 0.6, 5: 0.59, 6: 0.9, 7: 0.8, 8: 0.7}
    scores_of(monkeypatch, scores)
    training = make_training(rounds=8, patience=patience)
    training.drive()
    state = training.state
    assert (state.status, state.round, state.best) == ("finished", rounds, best)
    assert state.chosen == (best if patience else rounds)
    last = {f"model:{n}" for n in (rounds - 1, rounds, best)}
    keys = RunKeys(training.run_id)
    there = {n for n in range(9) if client.exists(keys.artifact(f"model:{n}"))}
    assert {f"model:{n}" for n in there} == last


def test_a_run_that_is_resumed_loses_patience_at_the_same_round(
    make_training: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores_of(monkeypatch, {1: 0.4, 2: 0.6, 3: 0.5, 4: 0.6, 5: 0.59, 6: 0.9})
    training = make_training(rounds=8, patience=2)

    def interrupt(label: Label, entry: Mapping[str, Any]) -> None:
        if str(label) in ("train:3", "train:5"):
            raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            training.drive(interrupt)
    training.drive()
    assert (training.state.round, training.state.best) == (5, 2)


def test_a_strategy_that_has_converged_ends_the_run(
    make_training: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedredis.strategies.STRATEGIES", {"scripted": Scripted})
    training = make_training(strategy="scripted", rounds=5)
    monkeypatch.setattr(Scripted, "tolerance", 1e9)

    def interrupt(label: Label, entry: Mapping[str, Any]) -> None:
        if str(label) == "train:1":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.drive(interrupt)
    # Whoever goes on with it is told.
    monkeypatch.setattr(Scripted, "tolerance", 0.0)
    training.drive()
    state = training.state
    assert (state.status, state.round, state.converged) == ("finished", 1, True)
    assert "evaluate:1" in training.history
