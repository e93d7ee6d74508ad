"""Masters that die, are fenced off, or see their server go back in time: the same bits."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fedredis.errors import (
    FedredisError,
    LeaseHeldError,
    LeaseLostError,
    RunGoneError,
    RunNotFoundError,
    StateLostError,
    StopRequestedError,
    UsageError,
)
from fedredis.rounds.engine import Engine
from fedredis.rounds.master import MOST_LOSSES, create_run
from fedredis.store.asking import stop
from fedredis.store.master import MasterStore

if TYPE_CHECKING:
    from redis import Redis


class Killed(BaseException):
    """The master's process has ended."""


#: Rounds of one exchange a level, each of which takes sums from those of the one before.
TREES = {
    "strategy": "boosting",
    "features": "bins",
    "model": "trees",
    "rounds": 2,
    "options": {"depth": "3", "min-rows": "1"},
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("course", [{"strategy": "scaffold", "patience": 2}, TREES])
def test_another_master_goes_on_wherever_one_was_killed(make_training, monkeypatch, when, course):
    turn, killing = MasterStore.turn, [0]

    def fragile(store, *what):
        killing[0] -= 1
        if killing[0] == 0 and when == "before":
            raise Killed
        done = turn(store, *what)
        if killing[0] == 0:
            raise Killed
        return done

    monkeypatch.setattr(MasterStore, "turn", fragile)
    expected = None
    for point in range(1, 14):
        run = make_training(**course, lease_ms=100)
        killing[0] = point
        try:
            run.drive()
        except Killed:
            assert run.state.status == "running"
            run.drive()  # its lease ends by itself
        run.assert_as_undisturbed()
        expected = expected or run.history
        assert run.history == expected
    assert killing[0] > 0, "it was killed at every turn"


def test_a_master_that_was_replaced_ends_and_changes_nothing(make_training):
    run = make_training()

    def replaced(name, entry):
        if str(name) == "train:2":
            run.let_lease_end()
            run.drive()

    with pytest.raises(LeaseLostError, match="another master has taken over"):
        run.drive(replaced)
    run.assert_as_undisturbed()
    assert sorted(run.reported) == sorted(run.history)


def test_a_run_is_driven_by_one_master(make_training):
    run = make_training(lease_ms=100)

    def second(name, entry):
        with pytest.raises(LeaseHeldError):
            run.drive()
        raise StopIteration

    # A live master prolongs its lease, which a farm that works in its thread would keep it from.
    run.client.set(run.keys.lease, "of another", px=60_000)
    with pytest.raises(LeaseHeldError, match=f"another master is driving run {run.run_id}"):
        run.drive(second)


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt(), "stopped"), (ValueError("mine"), "stopped")]
)
def test_a_master_that_is_interrupted_says_so(make_training, error, status):
    run = make_training()

    def report(name, entry):
        if str(name) == "train:1":
            raise error

    with pytest.raises(type(error)):
        run.drive(report)
    assert run.state.status == status
    assert run.state.error in ("interrupted", "ValueError: mine")
    run.drive()
    run.assert_as_undisturbed()


def test_a_master_that_is_asked_to_stop(make_training):
    run = make_training()
    assert stop(run.client, run.run_id) == ""

    def report(name, entry):
        if str(name) == "train:1":
            stop(run.client, run.run_id)

    with pytest.raises(StopRequestedError, match=f"run {run.run_id} was asked to stop"):
        run.drive(report)
    assert (run.state.status, run.state.error) == ("stopped", "asked to stop")
    assert run.state.round < 3
    # Meant for the master that was there, and a slave's word alone is none.
    run.drive(lambda name, entry: run.client.xadd(run.keys.events, {"type": "stop"}) and None)
    run.assert_as_undisturbed()
    with pytest.raises(RunNotFoundError, match="there is no run nobody"):
        stop(run.client, "nobody")


def test_a_stop_holds_where_the_server_goes_back(make_training):
    """Be it asked for before the loss, or while the lease is lost: it is the same master."""
    for lost in ("lease", "sequence"):
        run, told = make_training(), []

        def report(name, entry, run=run, lost=lost, told=told):
            told.append(str(name))
            if told[-1] == "train:1":
                if lost == "lease":
                    run.let_lease_end()
                assert bool(stop(run.client, run.run_id)) == (lost != "lease")
            if told[-1] == "train:1" and lost != "lease":
                run.client.hincrby(run.keys.run, "sequence", -1000)

        with pytest.raises(StopRequestedError):
            run.drive(report)
        assert (run.state.status, run.state.error) == ("stopped", "asked to stop"), lost
        run.drive()
        run.assert_as_undisturbed()


def test_a_stop_is_asked_for_again_of_the_same_master_alone(make_training):
    run, asked = make_training(), []

    def report(name, entry):
        asked.append(stop(run.client, run.run_id, *asked[:1]))
        # As if the server had lost it with its newest data.
        run.client.hdel(run.keys.run, "stop") if len(asked) == 1 else None

    with pytest.raises(StopRequestedError):
        run.drive(report)
    assert len(asked[0]) == 16
    assert set(asked) == {asked[0]}
    run.drive(lambda name, entry: asked.append(stop(run.client, run.run_id, asked[0])))
    assert asked[-1] == ""
    run.assert_as_undisturbed()


class Tape:
    """Copies of all that a server holds, from step to step; now and then it goes back to one."""

    def __init__(self, client: Redis, rng: random.Random, back: float) -> None:
        self.client, self.rng, self.back = client, rng, back
        self.copies: list[dict[bytes, tuple[bytes, int]]] = []
        self.gone_back = 0

    def __call__(self) -> None:
        # At a dozen steps at the latest, whatever chance has it.
        first = not self.gone_back and len(self.copies) == 12
        chosen = self.rng.random() < self.back or first
        if self.copies and self.gone_back < MOST_LOSSES and chosen:
            self.gone_back += 1
            del self.copies[max(1, len(self.copies) - self.rng.randrange(12)) :]
            self.client.flushall()
            with self.client.pipeline() as pipeline:
                for key, (value, ttl) in self.copies[-1].items():
                    pipeline.restore(key, max(ttl, 0), value)
                pipeline.execute()
        keys = list(self.client.scan_iter(count=1000))
        with self.client.pipeline() as pipeline:
            for key in keys:
                pipeline.dump(key).pttl(key)
            replies = iter(pipeline.execute())
        self.copies.append(dict(zip(keys, zip(replies, replies, strict=True), strict=True)))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("changes", [{}, {"sample": 3}, {"patience": 1, "rounds": 5}])
@pytest.mark.parametrize("strategy", ["fedavg", "scaffold", "newton", "median", "boosting"])
def test_a_server_that_goes_back_in_time(make_training, monkeypatch, strategy, changes, seed):
    course = {**(TREES if strategy == "boosting" else {"strategy": strategy}), **changes}
    run = make_training(**course, attempts=9)
    rng = random.Random(f"{strategy} {changes} {seed}")
    tape = Tape(run.client, rng, 0.06)
    run.farm.rng, run.farm.step = rng, tape
    for name in ("turn", "tend", "release"):
        kept = getattr(MasterStore, name)

        def fragile(store, *what, kept=kept):
            tape()
            return kept(store, *what)

        monkeypatch.setattr(MasterStore, name, fragile)
    run.drive()
    assert tape.gone_back > 0
    tape.back, tape.gone_back = 0, MOST_LOSSES
    run.assert_as_undisturbed()
    undisturbed = make_training(**course, attempts=9)
    undisturbed.drive()
    assert list(run.history) == list(undisturbed.history)
    for name, entry in undisturbed.history.items():
        assert {**run.history[name], "refused": {}} == entry


def test_what_is_read_half_before_the_server_went_back(make_training, monkeypatch):
    """It says nothing of the run."""
    run, drive, times = make_training(), Engine.drive, iter(range(9))

    def torn(engine, *what):
        if next(times) == 0:
            run.client.hset(run.keys.run, "sequence", 0)
            raise FedredisError("it has lost its model:1")
        drive(engine, *what)

    monkeypatch.setattr(Engine, "drive", torn)
    run.drive()
    run.assert_as_undisturbed()


def test_a_run_that_is_gone(make_training):
    run = make_training()
    steps = iter(range(100))
    run.farm.step = lambda: next(steps) == 8 and run.client.flushall()  # type: ignore[assignment]
    with pytest.raises(RunGoneError, match=f"run {run.run_id} is gone from Redis"):
        run.drive()
    assert run.client.keys(f"{run.keys.run}*") == []


def test_an_exit_that_a_model_asks_for_ends_a_run_with_a_line(make_training):
    run = make_training()
    with pytest.raises(FedredisError, match="the run's model asks for an exit: no licence"):
        run.drive(lambda name, entry: sys.exit("no licence"))
    assert (run.state.status, run.state.error) == (
        "failed",
        "the run's model asks for an exit: no licence",
    )


def test_losses_without_end_are_no_accident(make_training, monkeypatch):
    run, turn = make_training(), MasterStore.turn

    def losing(store, *what):
        run.client.hset(run.keys.run, "sequence", -9)
        return turn(store, *what)

    monkeypatch.setattr(MasterStore, "turn", losing)
    with pytest.raises(StateLostError, match="has gone back in time"):
        run.drive()


@pytest.mark.parametrize("lost", ["preprocessing:3", "model:1", "strategy:1"])
def test_a_run_that_has_lost_what_it_needs(make_training, lost):
    run = make_training(strategy="fedadam")

    def lose(name, entry):
        if str(name) == "train:1":
            run.client.delete(run.keys.artifact(lost))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.drive(lose)
    with pytest.raises(FedredisError, match=f"has lost its {lost}: it can't be gone on with"):
        run.drive()


def test_a_finished_run_is_driven_no_further(make_training):
    run = make_training(strategy="scaffold")
    run.drive()
    before, reported = run.bits, len(run.reported)
    assert not list(run.client.scan_iter(f"{run.keys.run}:memory:*"))
    run.drive()
    assert (run.bits, len(run.reported)) == (before, reported)


def test_there_is_no_such_run(client, make_training):
    run = make_training()
    client.flushall()
    with pytest.raises(RunNotFoundError, match="there is no run"):
        run.drive()


def test_what_does_not_go_together_is_refused_before_anything_is_written(fake, make_training):
    config = make_training().setup.config
    for changes in ({"strategy": "none"}, {"model": "none"}, {"strategy": "krum", "slaves": 2}):
        with pytest.raises(UsageError):
            create_run(fake, replace(config, **changes))
    assert fake.keys() == []
