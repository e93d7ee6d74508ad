"""Rounds on a real server: what comes back, when, from whom, and what is made of it."""

from __future__ import annotations

import logging
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from fedredis.errors import RoundFailedError
from fedredis.strategies import STRATEGIES

if TYPE_CHECKING:
    from fedredis.arrays import Bundle


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_any_order_of_arrival_gives_the_same_bits(make_training, strategy):
    run = make_training(7, {"rng": random.Random(strategy)}, strategy=strategy, sample=6)
    run.drive()
    run.assert_as_undisturbed()
    assert set(run.reported) == set(run.history)
    entry = run.history["train:1"]
    assert (entry["slaves"], entry["missing"], entry["refused"]) == (6, [], {})


def test_a_round_waits_for_nobody_and_each_is_dispatched_once(make_training):
    run = make_training(rounds=2)
    run.drive()
    names = [f"statistics:{n}" for n in (1, 2, 3)]
    names += ["train:1", "evaluate:1", "train:2", "evaluate:2", "scores:2"]
    assert run.farm.dispatched == [(name, 4) for name in names]
    assert run.reported == names


def test_a_slave_that_does_not_come_back_is_named_at_the_deadline(make_training):
    run = make_training(
        farm={"absent": lambda name, slave: slave == "2"}, quorum=3, round_timeout_ms=150
    )
    run.farm.store.detach = lambda job: None  # type: ignore[method-assign]
    run.drive()
    assert run.state.status == "finished"
    assert {tuple(entry["missing"]) for entry in run.history.values()} == {("2",)}
    # A test without it says too little to compete.
    assert run.state.best == 0


def test_a_round_without_a_quorum_ends_the_run_with_a_line(make_training):
    absent = {"0", "2"}
    run = make_training(
        farm={"absent": lambda name, slave: name.kind == "train" and slave in absent},
        quorum=3,
        round_timeout_ms=150,
    )
    run.farm.store.detach = lambda job: None  # type: ignore[method-assign]
    line = r"train:1 can't be completed: 2 of 4 slaves counted, 3 needed; missing: 0, 2$"
    with pytest.raises(RoundFailedError, match=line):
        run.drive()
    assert (run.state.status, run.state.round) == ("failed", 0)
    absent.clear()
    run.client.delete(run.keys.attached("train"))
    run.drive()
    run.assert_as_undisturbed()


def test_a_worker_that_ends_with_its_claims_counts_as_failed(make_training):
    run = make_training(farm={"absent": lambda name, slave: slave == "1"})
    why = r"missing: 1; slave 1: worker farm-1 ended while it worked for it \(killed, perhaps"
    with pytest.raises(RoundFailedError, match=why):
        run.drive()
    assert run.farm.dispatched == [("statistics:1", 4), ("statistics:1", 1)]


def far(bundle: Bundle) -> Bundle:
    return replace(bundle, arrays=[np.full_like(a, 1 << 61) for a in bundle.arrays])


def stranger(bundle: Bundle) -> Bundle:
    return replace(bundle, samples=tuple(1 << 30 for _ in bundle.samples))


@pytest.mark.parametrize("tick", [0.0, 0.02])
@pytest.mark.parametrize("spoilt", [far, stranger])
def test_what_is_refused_is_done_again(make_training, monkeypatch, caplog, spoilt, tick):
    """With ticks all the time, rounds are seen to be closed before that is told."""
    monkeypatch.setattr("fedredis.rounds.engine.TICK", tick)
    left = {"statistics:1": 1, "train:2": 1, "evaluate:2": 1}

    def once(name, bundle):
        if left.get(str(name)) and "3" in bundle.slaves:
            left[str(name)] = 0
            return spoilt(bundle)
        return bundle

    run = make_training(farm={"spoil": once, "rng": random.Random(2)})
    with caplog.at_level(logging.WARNING, "fedredis.rounds"):
        run.drive()
    run.assert_as_undisturbed()
    for name in left:
        assert "3" in run.history[name]["refused"]
        assert run.history[name]["missing"] == []
    refused = [record for record in caplog.records if record.message.startswith("refused")]
    assert [(r.run, r.round) for r in refused] == [(run.run_id, name) for name in left]
    assert all("3" in r.slave.split(",") for r in refused)


@pytest.mark.parametrize("strategy", ["fedavg", "krum"])
def test_who_is_refused_again_and_again_is_given_up(make_training, strategy, caplog):
    spoiling = {
        "spoil": lambda name, b: far(b) if name.kind == "train" and "6" in b.slaves else b,
        "rng": random.Random(1),
    }
    run = make_training(7, spoiling, strategy=strategy, quorum=6)
    # So that it takes no other with it.
    run.farm.rng.randint = lambda low, high: 1  # type: ignore[union-attr, method-assign]
    run.drive()
    assert run.state.status == "finished"
    entry = run.history["train:2"]
    assert (entry["missing"], list(entry["refused"]), entry["slaves"]) == (["6"], ["6"], 6)
    # Without the quorum the run ends with its name and the reason, and can be resumed.
    run = make_training(7, spoiling, strategy=strategy)
    run.farm.rng.randint = lambda low, high: 1  # type: ignore[union-attr, method-assign]
    with pytest.raises(RoundFailedError, match=r"missing: 6; slave 6: .+") as failed:
        run.drive()
    (last,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert (last.run, last.round, last.why) == (run.run_id, "train:1", str(failed.value))
    assert run.state.error == str(failed.value)
    run.farm.spoil = lambda name, bundle: bundle
    run.drive()
    run.assert_as_undisturbed()


def test_a_bundle_that_can_not_be_read_is_refused(make_training):
    run = make_training()
    submit, broken = run.farm.store.visit, []

    def breaking(handed, asks):
        answer = submit(handed, asks)
        if handed and not broken:
            key = run.keys.round(handed[0].claim.name)
            broken.extend(run.client.lrange(key.bundles, 0, -1))
            run.client.lset(key.bundle(broken[0].decode()), 0, "not what it was")
        return answer

    run.farm.store.visit = breaking  # type: ignore[method-assign]
    run.drive()
    run.assert_as_undisturbed()
    assert list(run.history["statistics:1"]["refused"]) == ["0", "1", "2", "3"]


def test_what_happens_is_logged(make_training, caplog):
    run = make_training(rounds=1)
    with caplog.at_level(logging.INFO, "fedredis.rounds"):
        run.drive()
    told = [(r.message.split()[0], r.round) for r in caplog.records if r.run == run.run_id]
    rounds = [*(f"statistics:{n}" for n in (1, 2, 3)), "train:1", "evaluate:1", "scores:1"]
    assert told == [(what, name) for name in rounds for what in ("opened", "committed")]
