from __future__ import annotations

import pytest

import fedredis
from fedredis.errors import RunNotFoundError, UsageError
from fedredis.keys import Kind, Label, RunKeys


@pytest.fixture
def at(server):
    return {"redis_url": server.url}


def test_no_runs(at):
    assert fedredis.runs(**at) == []


def test_runs_newest_first(make_training, at):
    first = make_training(rounds=1)
    first.drive()
    second = make_training()
    assert [(s.run, s.status, s.round) for s in fedredis.runs(**at)] == [
        (second.run_id, "waiting", 0),
        (first.run_id, "finished", 1),
    ]


def test_a_run(make_training, at, client):
    training = make_training(rounds=2)
    training.drive()
    client.hset(RunKeys(training.run_id).slave("1"), "rows", "15")
    record = fedredis.show(training.run_id, **at)
    assert record.state == training.state
    assert {str(label): entry for label, entry in record.history.items()} == training.history
    assert record.history[Label(Kind.TRAIN, 2)]["slaves"] == 3
    assert [facts.get("rows") for facts in record.slaves.values()] == [None, 15, None]
    assert list(record.slaves) == ["0", "1", "2"]


def test_nothing_went_wrong(make_training, at):
    training = make_training(rounds=1)
    training.drive()
    assert fedredis.failures(training.run_id, **at) == fedredis.Failures({}, {}, {}, "")


def test_what_went_wrong(make_training, at, client):
    def spoil(label, slave, arrays):
        return [array * float("nan") for array in arrays] if str(label) == "train:1" else arrays

    training = make_training(
        farm={"spoil": lambda label, slave, a: spoil(label, slave, a) if slave == "2" else a},
        rounds=1,
        quorum=2,
    )
    training.drive()
    facts = {"failures": "many", "error": "Traceback …"}
    client.hset(RunKeys(training.run_id).slave("1"), mapping=facts)
    found = fedredis.failures(training.run_id, **at)
    assert found.failures == {"1": {"failures": 0, "traceback": "Traceback …"}}
    assert list(found.refused) == ["train:1"]
    assert list(found.refused["train:1"]) == ["2"]
    assert found.error == ""


@pytest.mark.parametrize("look", [fedredis.show, fedredis.failures])
def test_a_run_that_is_not_there(look, at):
    with pytest.raises(RunNotFoundError, match="there is no run nosuch"):
        look("nosuch", **at)
    with pytest.raises(UsageError, match="is not a name"):
        look("{nosuch}", **at)
