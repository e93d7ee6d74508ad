"""Slaves that are absent from masked sums, in workers of their own, through a real server."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

from fedredis.api.keys import simulated
from fedredis.arrays import Schema
from fedredis.config import RunConfig
from fedredis.data import synthetic
from fedredis.data.cut import write_partitions
from fedredis.data.partition import open_partition
from fedredis.errors import RoundFailedError
from fedredis.exchanges import Setup
from fedredis.exchanges.circles import slot_of
from fedredis.exchanges.here import Here
from fedredis.exchanges.plan import Progress
from fedredis.exchanges.plans import plan_of
from fedredis.exchanges.reduction import Reduction
from fedredis.jobs.dispatch import Dispatcher
from fedredis.jobs.pool import ONE_THREAD
from fedredis.jobs.process import URL_VARIABLE
from fedredis.keys import RoundName, RunKeys
from fedredis.rounds.master import create_run, drive_run
from fedredis.store import runs

ABSENT, WORKERS = str(Path(__file__).with_name("absent.py")), 2
FIVE = ("0", "1", "2", "3", "4")


class Federation:
    """Slaves on a server, in two workers, of whom some are absent from some rounds."""

    def __init__(self, client, server, folder, slaves):
        self.client, self.server, self.folder = client, server, folder
        self.manifest = write_partitions(
            synthetic.generate(40 * slaves, 3), folder, slaves, 3, 0.2
        )
        self.rows = {str(i): open_partition(folder, i, self.manifest) for i in range(slaves)}

    def config(self, **changes):
        manifest = self.manifest
        given = {"features": "plain", "attempts": 1, "threshold": 0.67, "seed": 3, **changes}
        return RunConfig(
            dataset=manifest.dataset,
            columns=manifest.columns,
            classes=manifest.classes,
            slaves=len(self.rows),
            rows=manifest.rows,
            **given,
        )

    def workers(self, absent):
        """Start workers; `absent` says of runs, by their ids, who is absent from which rounds."""
        told = {f"{run} {n}": [*away] for run, of in absent.items() for n, away in of.items()}
        keys = simulated(self.folder, self.manifest.dataset, tuple(self.rows))
        urls = {URL_VARIABLE: self.server.url, "ABSENT": json.dumps(told)}
        stack = ExitStack()
        for _ in range(WORKERS):
            words = [sys.executable, ABSENT, str(self.folder), *keys]
            worker = subprocess.Popen(words, env={**os.environ, **ONE_THREAD, **urls})
            stack.callback(worker.wait)
            stack.callback(worker.kill)
        return stack

    def run(self, run_id, config):
        """Drive a run; return the digest of its model, and its history."""
        create_run(self.client, config, run_id=run_id)
        drive_run(
            self.client,
            run_id,
            dispatcher=lambda store, config: Dispatcher(
                self.client,
                store,
                config,
                own_workers=WORKERS,
                revive=lambda: None,
                clock=time.monotonic,
            ),
            report=lambda name, entry: None,
            clock=time.monotonic,
        )
        history = runs.history(self.client, run_id)
        name = runs.read(self.client, run_id).model
        return sha256(runs.artifact(self.client, run_id, name)), history

    def expected(self, config, absent):
        """Train in this process, without masks and those who are absent: the model's digest."""
        setup, here = Setup(replace(config, threshold=0.0)), Here(self.rows)
        plan, progress = plan_of(setup), Progress()
        with threadpool_limits(1, user_api="blas"):
            while due := plan.due(progress):
                exchange = due[0]
                away = absent.get(str(exchange.name), ())
                here.slaves = [slave for slave in exchange.slaves if slave not in away]
                reduction = Reduction(exchange.rule, exchange.slaves)
                bundles = exchange.rule.bundles(exchange.local(here))
                assert not reduction.take([(str(i), b) for i, b in enumerate(bundles)])
                reduced = reduction.reduced()
                step = exchange.learn(reduced)
                progress, _ = plan.after(progress, exchange, step, reduced)
        return sha256(progress.artifacts[progress.model])


def sha256(model):
    return Schema.of(model).sha256(list(model.values()))


@pytest.fixture
def federation(client, server, tmp_path):
    """Return a function that makes a federation of so many slaves."""
    return lambda slaves: Federation(client, server, tmp_path / "parts", slaves)


def missing(history):
    """Say who is missing from which sums of training."""
    return {str(n): set(e["missing"]) for n, e in history.items() if n.kind == "train"}


def test_a_third_of_thirty_is_gone_in_every_round(federation):
    """Other slaves in each: the run completes, to the bits of one without masks and them."""
    thirty = federation(30)
    config = thirty.config(rounds=6, quorum=20)
    thirds = {n: config.slave_ids[n % 3 :: 3] for n in range(1, 7)}
    absent = {f"mask-train:{n}": away for n, away in thirds.items()}
    with thirty.workers({"thirty": absent}):
        found, history = thirty.run("thirty", config)
    gone = {f"train:{n}": away for n, away in thirds.items()}
    assert found == thirty.expected(config, gone)
    assert missing(history) == {name: set(away) for name, away in gone.items()}


def test_every_pattern_of_drop_outs_of_five_at_each_stage(federation):
    """As many as may be are gone before they deal, send or help to unmask: a round for each."""
    five, chance = federation(5), random.Random(5)
    patterns = [away for k in range(3) for away in combinations(FIVE, k)]
    assert len(patterns) == 16
    config = five.config(rounds=96, quorum=3)
    # For each batch of sums who has not dealt.
    undealt = [(), ("4",), ("1", "3")]
    absent, gone = {}, {}
    for n in range(1, 97):
        dealt = undealt[(n - 1) // 32]
        batch = slot_of(Setup(config), RoundName("train", n)).batch
        absent[f"deal:{batch}"] = gone[f"train:{n}"] = dealt
        if n <= 16:
            absent[f"mask-train:{n}"] = gone[f"train:{n}"] = patterns[n - 1]
        else:
            # Of those who are in the sum three have to help.
            away = patterns[n - 17] if n <= 32 else chance.choice(patterns)
            there = [slave for slave in FIVE if slave not in dealt]
            absent[f"train:{n}"] = [s for s in away if s in there][: len(there) - 3]
    with five.workers({"five": absent}):
        found, history = five.run("five", config)
    assert missing(history) == {name: set(away) for name, away in gone.items()}
    assert found == five.expected(config, gone)


def test_where_all_must_count_some_may_be_gone_once_they_have_handed_in(federation):
    """The others' shares are enough, whatever the run's quorum is."""
    five = federation(5)
    config = five.config(rounds=3)
    with five.workers({"five": {"train:1": ("1", "3"), "train:2": ("0",)}}):
        found, history = five.run("five", config)
    assert missing(history) == {f"train:{n}": set() for n in (1, 2, 3)}
    assert found == five.expected(config, {})


@pytest.mark.parametrize(
    "some", [2, pytest.param(16, marks=pytest.mark.soak)], ids=["some", "all"]
)
def test_too_few_of_five_at_each_stage_and_nothing_is_shown(federation, client, some):
    """Whoever is missing is named, and below the threshold no model follows."""
    five = federation(5)
    patterns = [away for k in (3, 4, 5) for away in combinations(FIVE, k)]
    patterns = random.Random(some).sample(patterns, some)
    config = five.config(rounds=2, quorum=3)
    batch = slot_of(Setup(config), RoundName("train", 1)).batch
    stages = (f"deal:{batch}", "mask-train:1", "train:1")
    asked = [(stage, away) for stage in stages for away in patterns]
    absent = {f"few{i}": {stage: away} for i, (stage, away) in enumerate(asked)}
    with five.workers(absent):
        for i, (stage, away) in enumerate(asked):
            with pytest.raises(RoundFailedError) as failed:
                five.run(f"few{i}", config)
            line = str(failed.value)
            assert f"round {stage} can't be completed: " in line
            # Others may have been on their way when it was too late.
            told = line.partition("3 needed; missing: ")[2].partition(";")[0].split(", ")
            assert set(away) <= set(told)
            keys = RunKeys(f"few{i}")
            assert not client.exists(keys.artifact("model:1"))
            assert not runs.history(client, keys.run_id).get(RoundName("train", 1))
