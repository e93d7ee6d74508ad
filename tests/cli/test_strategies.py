"""Strategies on the command line: their list, and the options that choose one."""

import json

import pytest

import fedredis
from fedredis.cli.run_tables import how_far
from fedredis.config import RunConfig
from fedredis.exchanges.setup import BOOSTING
from fedredis.store.runs import RunState
from fedredis.strategies import STRATEGIES
from fedredis.trees.boosting import Boosting


def test_the_list(call):
    answer = call("strategies")
    assert (answer.code, answer.err) == (0, "")
    for name in STRATEGIES:
        assert f" {name} " in answer.out
    listed = json.loads(call("strategies", "--json").out)
    assert [row["strategy"] for row in listed] == [*STRATEGIES, BOOSTING]
    assert all(row["summary"].endswith(".") for row in listed)
    options = {row["strategy"]: row["options"] for row in listed}
    assert options["fedavg"] == {}
    assert set(options["fedprox"]) == {"mu"}


@pytest.mark.parametrize("columns", ["40", "100"])
def test_the_options_of_trees(call, monkeypatch, columns):
    """Each is listed with its default and what it is, and can be set to that."""
    monkeypatch.setenv("COLUMNS", columns)
    *_, trees = json.loads(call("strategies", "--json").out)
    assert trees["options"].keys() == trees["meanings"].keys()
    assert (
        Boosting.of({name: str(value) for name, value in trees["options"].items()}) == Boosting()
    )
    answer = " ".join(call("strategies").out.split())
    for name, value in trees["options"].items():
        assert f"{name}={value:g}" in answer if name != "loss" else "loss=auto" in answer
        assert trees["meanings"][name].split(",")[0] in answer


def test_a_run_with_options_of_its_strategy(call, server):
    answer = call(
        *("run", "--slaves", 4, "--rounds", 3, "--workers", 1, "--json"),
        *("--strategy", "fedprox", "--set", "mu=0.25", "--sample", 2),
        *("--schedule", "cosine", "--patience", 9, "--by", "quantity:0.7"),
        *("--redis-url", server.url),
    )
    assert answer.code == 0, answer.err
    run = json.loads(answer.out)["run"]
    record = fedredis.show(run, redis_url=server.url)
    config = record.state.config
    assert (config.strategy, config.options) == ("fedprox", {"mu": "0.25"})
    assert (config.sample, config.schedule, config.patience) == (2, "cosine", 9)
    trained = [entry for label, entry in record.history.items() if label.kind == "train"]
    assert [entry["slaves"] for entry in trained] == [2, 2, 2]


def test_a_share_of_the_slaves(call, server):
    answer = call(
        *("run", "--slaves", 5, "--rounds", 1, "--workers", 1, "--json"),
        *("--fraction", 0.5, "--quorum", 0.5, "--redis-url", server.url),
    )
    run = json.loads(answer.out)["run"]
    config = fedredis.show(run, redis_url=server.url).state.config
    # Half of five is three, and half of those two.
    assert (config.sample, config.quorum) == (3, 2)


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["--strategy", "best"], "--strategy must be one of bulyan, "),
        (["--set", "mu=1"], "--strategy fedavg has no option 'mu'; it has: none"),
        (["--set", "mu"], "--set mu: give OPTION=VALUE"),
        (["--strategy", "fedprox", "--set", "mu=-1"], "--strategy fedprox: mu must be"),
        (["--strategy", "fedprox", "--set", "mu=1", "--set", "mu=2"], "it is set twice"),
        (["--sample", 11, "--slaves", 10], "--sample must be at most the 10 slaves, not 11"),
        (["--sample", 2, "--fraction", 0.5], "--fraction and --sample say the same"),
        (["--fraction", 0], "0.0 is not in the range"),
        (["--sample", 3, "--quorum", 4], "--quorum must be a number from 1 to 3"),
        (["--schedule", "up"], "'up' is not one of"),
        (["--patience", -1], "-1 is not in the range"),
        (["--model", "forest"], "no model 'forest'"),
    ],
)
def test_what_is_wrong(refused, args, complaint):
    assert complaint in refused("run", *args)


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["--model", "linear"], "the model 'linear' predicts numbers"),
        (["--model", "sklearn-sgd", "--strategy", "newton"], "can't train the model"),
    ],
)
def test_what_does_not_go_together_makes_no_run(call, args, complaint):
    answer = call("run", *args)
    assert (answer.code, answer.out) == (2, "")
    assert complaint in answer.err
    assert json.loads(call("runs", "--json").out) == []


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"round": 20}, "20"),
        ({"round": 7, "converged": True}, "7 of 20, converged"),
        ({"round": 7, "status": "stopped"}, "7 of 20"),
        ({"round": 9, "patience": 3, "best": 6}, "9 of 20, out of patience; the best is 6"),
        ({"round": 20, "patience": 9, "best": 20}, "20"),
    ],
)
def test_how_far_a_run_went(changes, text):
    patience = changes.pop("patience", 0)
    config = RunConfig("pets", (), ("cat", "dog"), slaves=2, rows=9, patience=patience)
    state = RunState(
        run="r1",
        config=config,
        model="",
        preprocessing="",
        started=0,
        error="",
        score=None,
        **{"status": "finished", **changes},
    )
    assert how_far(state) == text
