"""A master that lies to slaves which run: each refuses by a rule's name, and no vector is had."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import chain, combinations

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from fedredis.store import runs
from tests.e2e.conftest import NAMES
from tests.e2e.lying import Liar

A, B, C, D = NAMES


@pytest.fixture
def config(client, run):
    """Return what a run of the clinics is asked to do: that of one that has been, with masks."""

    def config(**changes):
        honest = json.loads(run("--secure", "--rounds", 1).stdout)
        return replace(runs.read(client, honest["run"]).config, rounds=4, **changes)

    return config


@pytest.fixture
def record(shell, clinics):
    """Return a function that says what has left of a run, as the slaves' records have it."""

    def record(run_id):
        lines = []
        for folder in clinics.values():
            told = shell.run("record", folder, "--run", run_id, "--json").stdout
            lines += [json.loads(line) for line in told.splitlines()]
        return [(line["slave"], line["round"], line["sha256"]) for line in lines]

    return record


def vectors(client, liar, name, **other):
    """Return what each slave adds to a sum: the same, in a run without masks."""
    plain = Liar(client, replace(liar.config, threshold=0.0), "plain")
    plain.progress = liar.progress
    given = plain.ask(name, **other).given
    return {
        slave: np.concatenate([*(array.ravel() for array in one.arrays), one.samples])
        for slave, one in given.items()
    }


def groups():
    """List all groups of slaves."""
    return chain.from_iterable(combinations(NAMES, k) for k in range(1, 5))


def swapped(channel):
    return channel | {"keys": channel["keys"][[1, 0, 2, 3]]}


def own(channel):
    keys = channel["keys"].copy()
    keys[1] = np.frombuffer(X25519PrivateKey.generate().public_key().public_bytes_raw(), "<i8")
    return channel | {"keys": keys}


def some(named, *rows):
    return {name: array[list(rows)] for name, array in named.items()}


def refused(answers, rule):
    """See that all who were asked have refused by a rule, and that each is named beside it."""
    assert not answers.given
    assert {*answers.rules.values()} == {rule}
    for slave, line in answers.refused.items():
        assert line.startswith(f"slave {slave}: refused by the rule '{rule}': ")
    return True


def test_a_master_that_lies_of_a_sum_has_no_vector(client, federation, config, record):
    with federation():
        liar = Liar(client, config(), "r1", "mask-train:1")
        there = liar.given("mask-train:1")
        channel, letters, model = (there[role] for role in ("channel", "letters", "model"))
        for lie, rule in (
            ({"channel": swapped(channel)}, "signatures"),
            ({"channel": own(channel)}, "signatures"),
            ({"channel": some(channel, 0, 1)}, "known-slaves"),
            ({"letters": some(letters, 0, 1)}, "threshold"),
        ):
            assert refused(liar.ask("mask-train:1", **lie), rule)
        assert liar.left == []
        masked = liar.ask("mask-train:1")
        assert not masked.refused
        for lie in (
            {"letters": some(letters, 0, 1, 2)},
            {"model": {name: array + 1 for name, array in model.items()}},
            # Of another shape, so that words would stand elsewhere.
            {"model": {name: array[:, :1] for name, array in model.items()}},
        ):
            assert refused(liar.ask("mask-train:1", **lie), "one-set")
        for group, rule in (
            ((A, B, C, D, D), "one-set"),
            ((A,), "threshold"),
            ((A, B), "threshold"),
        ):
            assert refused(liar.ask("train:1", inside=liar.inside(masked, *group)), rule)
        # One set at some slaves, and another at the others.
        for who, group in (((A, B), NAMES), ((C, D), (A, B, C))):
            inside = liar.inside(masked, *group)
            assert not liar.ask("train:1", *who, inside=inside).refused
        for who, group in (((C, D), NAMES), ((A, B), (A, B, C)), (NAMES, (B, C, D))):
            inside = liar.inside(masked, *group)
            assert refused(liar.ask("train:1", *who, inside=inside), "one-set")
        assert [liar.unmasked("train:1", masked, group) for group in groups()] == [None] * 15
        # All that has left stands in the slaves' records.
        assert {*liar.left} <= {*record("r1")}


def test_a_master_that_begins_anew_is_answered_as_before(client, federation, config, record):
    """The same words to the last bit, shares for the same set: all that is had is its total."""
    with federation():
        liar, name = Liar(client, config(), "r1", "mask-train:1"), "train:1"
        masked = liar.ask(f"mask-{name}")
        assert not liar.ask(name, inside=liar.inside(masked, *NAMES)).refused
        words = vectors(client, liar, name)
        had = {group: found for group in groups() if (found := liar.unmasked(name, masked, group))}
        assert had == {NAMES: sum(words.values()).tolist()}
        for key in client.scan_iter(match="fedredis:{r1}*", count=1000):
            client.delete(key)
        again = Liar(client, liar.config, "r1", "mask-train:1")
        once_more = again.ask(f"mask-{name}")
        for slave, bundle in masked.given.items():
            assert (once_more.given[slave].arrays[0] == bundle.arrays[0]).all()
        inside = again.inside(once_more, B, C, D)
        assert refused(again.ask(name, inside=inside), "one-set")
    assert {*liar.left} | {*again.left} <= {*record("r1")}


def test_a_master_that_lies_of_the_run_is_answered_nothing(client, federation, config):
    with federation():
        asked = config()
        liar = Liar(client, asked, "r1", "mask-train:1")
        # What it has of one run in another, and in one that is asked for something else.
        other = Liar(client, asked, "r2")
        other.progress = liar.progress
        assert refused(other.ask("mask-train:1"), "signatures")
        for change in ({"rounds": 99}, {"threshold": 0.51}, {"seed": 1}):
            # Slaves look again at a run once they have worked for another.
            assert refused(other.ask("mask-train:1"), "signatures")
            liar.tell(replace(asked, **change))
            assert refused(liar.ask("mask-train:1"), "signatures")
        five = {"slaves": 5, "names": (*NAMES, "clinic-e"), "contents": (*asked.contents, "")}
        invented = Liar(client, replace(asked, **five), "invented")
        signed = invented.ask("channel:1", *NAMES).given
        invented.progress, of = liar.progress, [*NAMES, A]
        keys, signatures = (np.array([signed[s].arrays[i][0] for s in of]) for i in (0, 1))
        channel = {"places": np.arange(5), "keys": keys, "signatures": signatures}
        answers = invented.ask("mask-train:1", *NAMES, channel=channel)
        assert refused(answers, "roster")
        assert "slave clinic-e is not on this slave's roster" in answers.refused[A]
        for name, sample in (("one", 1), ("two", 2)):
            few = Liar(client, replace(asked, sample=sample), name, "mask-train:1")
            assert refused(few.ask("mask-train:1", *few.config.trainers(1)), "threshold")
        two = {"slaves": 2, "names": (A, B), "contents": asked.contents[:2]}
        pair = Liar(client, replace(asked, **two), "pair", "mask-statistics:1")
        assert refused(pair.ask("mask-statistics:1"), "threshold")


def test_a_master_does_not_learn_how_large_a_slave_s_numbers_are(client, federation, config):
    """Whether they are too large for a sum is told, and of one model in a round."""
    with federation():
        liar = Liar(client, config(), "r1", "mask-train:1")
        model = liar.given("mask-train:1")["model"]
        for at, what in enumerate((np.nan, 1e300, 1e12, 0)):
            asked = {name: array + what for name, array in model.items()}
            answers = liar.ask("mask-train:1", model=asked)
            assert not answers.given
            if at:
                assert refused(answers, "one-set")
            else:
                assert all("how large it is, is said on" in s for s in answers.refused.values())
