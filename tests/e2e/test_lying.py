"""Who lies to slaves that run, a master or a stranger in Redis, is refused, and has no vector."""

from __future__ import annotations

import json
import os
import signal
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import chain, combinations

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from fedredis.keys import RoundName, RunKeys
from fedredis.store import runs
from fedredis.store.workers import present
from tests.e2e.conftest import NAMES, RUN
from tests.e2e.lying import Liar, Watcher

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
    """See that all who were asked have refused by a rule."""
    assert not answers.given
    assert {*answers.rules.values()} == {rule}
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
            liar.tell(replace(asked, **change))
            assert refused(liar.ask("mask-train:1"), "signatures")
        five = {"slaves": 5, "names": (*NAMES, "clinic-e"), "contents": (*asked.contents, "")}
        five["each"] = (*asked.each, 1)
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
        two["each"] = asked.each[:2]
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


class Intruder:
    """One who writes to the server of those who don't lie, while they stand still."""

    def __init__(self, client, run_id, master, workers):
        self.client, self.keys = client, RunKeys(run_id)
        self.master, self.workers = master, workers

    def still(self, *who, going=False):
        for pid in who:
            os.kill(pid, signal.SIGCONT if going else signal.SIGSTOP)

    def let_all_go(self):
        for pid in (self.master.pid, *self.workers.values()):
            with suppress(ProcessLookupError):
                self.still(pid, going=True)

    def wait(self, done):
        """Wait until something has happened that has to do with the run's rounds."""
        while not (found := done()):
            cursor = self.client.xrevrange(self.keys.events, count=1)[0][0]
            if not (found := done()):
                self.client.xread({self.keys.events: cursor}, block=1000)
            else:
                break
        return found

    def cut_off(self):
        """End what waits: else the server reads for it what is new, as soon as that is there."""
        own = self.client.client_id()
        for one in self.client.client_list():
            if one["cmd"] == "xread" and int(one["id"]) != own:
                self.client.client_kill_filter(_id=one["id"])

    def open(self):
        return [name.decode() for name in self.client.zrange(self.keys.open, 0, -1)]

    def before(self, kind):
        """Hold all still at a round of a kind that is open, and that nobody has seen; name it."""
        master, workers = self.master.pid, self.workers.values()
        while True:
            self.still(master)
            # What is open, the slaves hand in; then all of it is closed.
            self.wait(lambda: not self.open())
            self.still(*workers)
            self.cut_off()
            self.still(master, going=True)
            self.wait(self.open)
            # A test may be open, too.
            if names := [name for name in self.open() if name.startswith(kind)]:
                return names[0]
            self.still(*workers, going=True)

    def let(self, name, *slaves):
        """Have some slaves answer in a round; all then stand still again."""
        workers = [self.workers[slave] for slave in slaves]
        self.still(*workers, going=True)
        round_ = self.keys.round(RoundName.parse(name))
        done = {slave.encode() for slave in slaves}
        self.wait(lambda: done <= {*client_keys(self.client, round_.inside, round_.attempts)})
        self.still(*workers)


def client_keys(client, *hashes):
    return [field for key in hashes for field in client.hkeys(key)]


@pytest.fixture
def intrude(shell, server, client):
    """Return a function that starts a run of the clinics for an intruder."""
    with ExitStack() as stack:

        def intrude():
            at = ("--redis-url", server.tcp_url, "--wait-timeout", 60, "--slaves", 4)
            told = (*RUN, *at, "--rounds", 200, "--lease", 60, "--secure", "--json")
            master = stack.enter_context(shell.start("run", *told))
            run_id = shell.wait_for_round(client, "deal:3")
            there = {card.slaves[0]: card.pid for card in present(client)}
            intruder = Intruder(client, run_id, master, there)
            # Whoever stands still would outlive the test.
            stack.callback(intruder.let_all_go)
            return intruder

        yield intrude


def ended(intruder, slaves):
    """Let all go on to the run's end, in a line of the master's; return it and what slaves say."""
    intruder.still(intruder.master.pid, *intruder.workers.values(), going=True)
    _, line = intruder.master.communicate(timeout=60)
    assert intruder.master.returncode == 1
    said = {}
    for slave, process in slaves.items():
        process.send_signal(signal.SIGINT)
        said[slave] = process.communicate(timeout=60)[1]
        assert "Traceback" not in said[slave] + line
    return line.splitlines()[-1], said


def test_who_shows_slaves_two_sets_has_neither(client, federation, intrude):
    """Two of them help for one set, and two for another one, with the tags that are due."""
    with federation() as slaves:
        intruder = intrude()
        masking = intruder.before("mask-train:")
        name, watcher = masking.removeprefix("mask-"), Watcher.of(client, intruder.keys.run_id)
        intruder.let(masking, A, B, C)
        intruder.still(intruder.master.pid)
        intruder.let(masking, D)
        masked = watcher.seen(masking)
        assert {*masked.given} == {*NAMES}
        intruder.still(*intruder.workers.values(), going=True)
        assert intruder.before("train:") == name
        all_four, three = (watcher.inside(masked, *group) for group in (NAMES, (A, B, C)))
        intruder.let(name, A, B)
        intruder.still(intruder.master.pid)
        watcher.seen(name, inside=all_four)
        watcher.show(name, inside=three)
        intruder.let(name, C, D)
        # What those have said is read once more, as if they had been told the same.
        watcher.shares = [one for one in watcher.shares if one[0] in (A, B)]
        watcher.seen(name, inside=three)
        watcher.shares = [
            one for one in watcher.shares if (len(one[2]) == 4) == (one[0] in (A, B))
        ]
        assert sorted((slave, len(of)) for slave, _, of, _ in watcher.shares) == [
            *((slave, 4) for slave in (A, B)),
            *((slave, 3) for slave in (C, D)),
        ]
        assert [watcher.unmasked(name, masked, group) for group in groups()] == [None] * 15
        line, _ = ended(intruder, slaves)
    assert f"the shares of slave {D} don't make its secret: one is wrong" in line


def test_who_shows_one_slave_another_model_has_no_sum_of_it(client, federation, intrude):
    with federation() as slaves:
        intruder = intrude()
        name = intruder.before("mask-train:")
        watcher = Watcher.of(client, intruder.keys.run_id)
        model = watcher.given(name)["model"]
        watcher.show(name, model={of: array + 1 for of, array in model.items()})
        intruder.let(name, A)
        watcher.show(name, model=model)
        intruder.let(name, B, C, D)
        line, said = ended(intruder, slaves)
    # Once two have refused, the others need not be asked.
    told = f"in round {name.removeprefix('mask-')}: refused by the rule 'one-set': "
    assert sum(told in screen for screen in said.values()) >= 2
    assert "refused by the rule 'one-set': " in line


def test_who_swaps_keys_beside_a_master_is_answered_nothing(client, federation, intrude):
    with federation() as slaves:
        intruder = intrude()
        name = intruder.before("mask-train:")
        watcher = Watcher.of(client, intruder.keys.run_id)
        watcher.show(name, channel=own(watcher.given(name)["channel"]))
        line, said = ended(intruder, slaves)
    told = f"refused by the rule 'signatures': the channel key of slave {B} is not signed by it"
    assert f"round {name} can't be completed: 0 of 4 slaves counted, 4 needed" in line
    assert told in line
    # Once one has refused, the others need not be asked.
    assert any(
        f"slave {slave} in round {name}: {told}" in screen for slave, screen in said.items()
    )
