import pytest

import fedredis
from fedredis.arrays import Bundle
from fedredis.errors import RunNotFoundError, UsageError
from fedredis.keys import RoundName, RunKeys


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
        # Made, and driven by nobody.
        (second.run_id, "interrupted", 0),
        (first.run_id, "finished", 1),
    ]


def test_a_run_that_lost_its_master_is_not_one_in_which_nothing_went_wrong(make_training, at):
    found = fedredis.failures(make_training().run_id, **at)
    assert found.error.startswith("the run has lost its master")


def test_a_run(make_training, at):
    training = make_training(3, rounds=2)
    training.drive()
    record = fedredis.show(training.run_id, **at)
    assert record.state == training.state
    assert record.history[RoundName("train", 2)]["slaves"] == 3
    assert list(record.slaves) == ["0", "1", "2"]
    rows = training.farm.rows
    for slave, facts in record.slaves.items():
        told = {"rows": len(rows[slave].train_y), "test_rows": len(rows[slave].test_y)}
        assert {name: facts[name] for name in told} == told
        assert (0 <= facts["accuracy"] <= 1, facts["worker"]) == (True, "farm-1")


def test_facts_that_are_not_what_they_should_be_do_no_harm(make_training, at, client):
    training = make_training(rounds=1)
    training.drive()
    told = '[{"slaves": ["0", 7], "samples": "x", "facts": {"accuracy": [null]}}, {"slaves": 3}]'
    client.hset(training.keys.slaves, "evaluate", told)
    client.hset(RunKeys(training.run_id).slave("1"), mapping={"failures": "many"})
    record = fedredis.show(training.run_id, **at)
    assert record.slaves["1"]["failures"] == 0
    assert "error" not in record.slaves["1"]


def test_nothing_went_wrong(make_training, at):
    training = make_training(rounds=1)
    training.drive()
    assert fedredis.failures(training.run_id, **at) == fedredis.Failures({}, {}, {}, "")


def test_what_went_wrong(make_training, at, client):
    def spoil(name, bundle):
        if str(name) != "train:1" or "2" not in bundle.slaves:
            return bundle
        return Bundle(
            bundle.slaves, bundle.samples, [array * 0 + 2**62 for array in bundle.arrays]
        )

    training = make_training(farm={"spoil": spoil}, rounds=1, quorum=2)
    training.drive()
    found = fedredis.failures(training.run_id, **at)
    assert found.failures["2"]["failures"] == 2
    assert "rows can come to" in found.failures["2"]["traceback"]
    assert list(found.refused) == ["train:1"]
    assert "2" in found.refused["train:1"]
    assert found.missing == {"train:1": ["2"]}
    assert found.error == ""


@pytest.mark.parametrize("look", [fedredis.show, fedredis.failures])
def test_a_run_that_is_not_there(look, at):
    with pytest.raises(RunNotFoundError, match="there is no run nosuch"):
        look("nosuch", **at)
    with pytest.raises(UsageError, match="is not a name"):
        look("{nosuch}", **at)
