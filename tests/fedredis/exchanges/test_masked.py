"""A run under masks is the run without them, to the last bit, and shows nobody's part in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis.arrays import Schema
from fedredis.data.reading import Reading
from fedredis.errors import BoundError, RoundFailedError, RuleError, UsageError
from fedredis.exchanges import KINDS, Setup
from fedredis.exchanges.circles import SUMS
from fedredis.exchanges.here import Here, drive
from fedredis.exchanges.masked_plan import KEPT
from fedredis.exchanges.plan import Progress
from fedredis.exchanges.plans import plan_of
from fedredis.exchanges.reduction import Reduction
from fedredis.secure.naming import MASK
from fedredis.strategies import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from fedredis.exchanges.protocol import Exchange
    from fedredis.secure.owner import Owner

#: What a run has that grows trees.
TREES = {
    "model": "trees",
    "strategy": "boosting",
    "features": "bins",
    "options": {"depth": "3", "min-rows": "3"},
}
SUMMED = sorted(name for name, strategy in STRATEGIES.items() if not strategy.single)


def masked(setup: Setup) -> Setup:
    return Setup(replace(setup.config, threshold=0.67), run="r1")


def sha256(progress: Progress) -> str:
    model = progress.artifacts[progress.model]
    return Schema.of(model).sha256(list(model.values()))


class Drops:
    """A run from which slaves are missing: in some rounds, by their kinds."""

    def __init__(
        self, setup: Setup, rows: Mapping[str, Any], owner: Owner, gone: Mapping[str, Any]
    ) -> None:
        self.setup, self.here, self.gone = setup, Here(rows, keys=owner), gone
        self.seen: list[dict[str, Any]] = []

    def away(self, exchange: Exchange) -> Collection[str]:
        found = self.gone.get(exchange.name.kind, ())
        return found(exchange.name.number) if callable(found) else found

    def drive(self) -> Progress:
        plan, progress, waiting = plan_of(self.setup), Progress(), []
        waiting = plan.due(progress)
        while waiting:
            exchange = waiting.pop(0)
            away = self.away(exchange)
            self.here.slaves = [slave for slave in exchange.slaves if slave not in away]
            reduction = Reduction(exchange.rule, exchange.slaves)
            updates = exchange.local(self.here)
            self.here._memories |= dict(zip(updates.slaves, updates.memories, strict=False))
            bundles = exchange.rule.bundles(updates)
            assert not reduction.take([(str(i), b) for i, b in enumerate(bundles)])
            reduced = reduction.reduced()
            step = exchange.learn(reduced)
            progress, step = plan.after(progress, exchange, step, reduced)
            # Whoever goes on from here asks for all that masks need.
            artifacts = progress.artifacts.items()
            without = replace(progress, artifacts={a: n for a, n in artifacts if "model" in a})
            assert {a for a, _ in artifacts if a.startswith(KEPT)} <= {*plan.wanted(without)}
            for name, other in (*step.beside.items(), (exchange.name, step)):
                self.seen.append({"name": str(name), **other.entry})
            waiting += plan.due(progress, [e.name for e in waiting])
        return progress


def test_every_kind_of_sum_has_batches():
    assert set(SUMS) == set(KINDS)


@pytest.mark.parametrize("name", SUMMED)
def test_masks_change_no_bit(make_rows, make_setup, make_owner, name):
    rows = make_rows(5)
    setup = make_setup(rows, strategy=name)
    hidden = masked(setup)
    assert sha256(drive(hidden, rows, keys=make_owner(hidden))) == sha256(drive(setup, rows))


@pytest.mark.parametrize(
    ("slaves", "changes"),
    [
        (3, {"rounds": 18}),
        (10, {"features": "quadratic"}),
        (7, {"sample": 3, "rounds": 5}),
        (5, {"classes": (), "model": "linear", "strategy": "newton"}),
        (5, {"reading": Reading(missing="mean"), "patience": 1}),
        (5, {**TREES, "rounds": 7}),
        (6, {**TREES, "sample": 4, "options": {"rows": "0.8", "leaves": "3", "min-rows": "3"}}),
        (4, {**TREES, "classes": ()}),
    ],
    ids=str,
)
def test_nor_do_they_with(make_rows, make_setup, make_owner, slaves, changes):
    rows = make_rows(slaves, classes=len(changes.get("classes", "abc")))
    setup = make_setup(rows, **changes)
    hidden, entries = masked(setup), ([], [])  # type: ignore[var-annotated]
    plain = drive(setup, rows, seen=lambda e, s: entries[0].append((e.name, s.entry)))
    owner = make_owner(hidden)
    for together in (256, 2):
        seen = []
        progress = drive(
            hidden,
            rows,
            together=together,
            keys=owner,
            seen=lambda e, s, seen=seen: seen.append((e, s)),
        )
        assert sha256(progress) == sha256(plain)
        assert progress.scores == plain.scores
        assert not [name for name in progress.artifacts if "letters" in name]
        steps = [pair for e, s in seen for pair in ((e.name, s), *s.beside.items())]
        for name, entry in entries[0]:
            (of_round,) = [step.entry for of, step in steps if of == name]
            assert entry.items() <= of_round.items()


def test_an_answer_is_the_same_under_masks(make_rows, make_setup, make_owner):
    rows = make_rows(5)
    asked = {"kind": "describe", "quantiles": [0.1, 0.9]}
    setup = make_setup(rows, analysis=asked, reading=Reading(label="pet"))
    hidden = masked(setup)
    hidden.check()
    plain, secret = drive(setup, rows), drive(hidden, rows, keys=make_owner(hidden))
    for name, known in plain.artifacts[plain.preprocessing].items():
        np.testing.assert_array_equal(known, secret.artifacts[secret.preprocessing][name])
    assert secret.artifacts.keys() == plain.artifacts.keys()


@pytest.mark.parametrize("name", sorted(set(STRATEGIES) - set(SUMMED)))
def test_what_looks_at_single_updates_is_refused(make_rows, make_setup, name):
    setup = masked(make_setup(make_rows(12), strategy=name))
    with pytest.raises(UsageError, match=r"`strategy` .* which masks hide"):
        setup.check()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"slaves": 2}, "2 are too few, 3 are needed"),
        ({"sample": 2}, "2 are too few"),
        ({"quorum": 3}, "must be at least the 5 slaves that unmask a sum, not 3"),
    ],
)
def test_too_few_are_refused_beforehand(make_rows, make_setup, changes, why):
    with pytest.raises(UsageError, match=why):
        masked(make_setup(make_rows(7), **changes)).check()


@pytest.mark.parametrize(
    "changes", [TREES, *({"strategy": name} for name in ("fedavg", "scaffold", "newton"))], ids=str
)
def test_a_third_is_gone_in_every_round(make_rows, make_setup, make_owner, changes):
    """Other slaves in each; all that is left is the sum of those who count."""
    rows = make_rows(30)
    setup = make_setup(rows, quorum=20, **changes)
    hidden = masked(setup)

    def third(number):
        return set(list(rows)[number % 3 :: 3])

    kinds = ("train", "grow", "evaluate")
    plain = Drops(setup, rows, make_owner(hidden), dict.fromkeys(kinds, third))
    expected = sha256(plain.drive())
    gone = dict.fromkeys((MASK + kind for kind in kinds), third)
    # Of those in a sum, none is needed but the threshold: and a few have never dealt.
    missing = Drops(hidden, rows, make_owner(hidden), gone)
    assert sha256(missing.drive()) == expected
    second = ("train:2", "grow:2")
    names = [entry["missing"] for entry in missing.seen if entry["name"] in second]
    assert names == [sorted(third(2), key=int)]


def test_who_does_not_help_to_unmask_is_done_without(make_rows, make_setup, make_owner):
    rows = make_rows(5)
    setup = make_setup(rows, quorum=4)
    hidden = masked(setup)
    plain = Drops(setup, rows, make_owner(hidden), {"train": {"4"}})
    gone = {f"{MASK}train": {"4"}, "train": {"0"}, "evaluate": {"1", "2"}, "deal": {}}
    secret = Drops(hidden, rows, make_owner(hidden), gone)
    assert sha256(secret.drive()) == sha256(plain.drive())
    with pytest.raises(RoundFailedError, match="2 slaves help to unmask slave 0, 3 are needed"):
        Drops(hidden, rows, make_owner(hidden), {"statistics": {"1", "2", "3"}}).drive()


def test_who_never_publishes_or_deals_has_no_part(make_rows, make_setup, make_owner):
    rows = make_rows(6)
    setup = make_setup(rows, quorum=4)
    hidden = masked(setup)
    never = {"channel": {"2"}, "deal": {"5"}}
    secret = Drops(hidden, rows, make_owner(hidden), never)
    away = {"2", "5"}
    gone = dict.fromkeys(KINDS, away)
    plain = Drops(setup, rows, make_owner(hidden), gone)
    assert sha256(secret.drive()) == sha256(plain.drive())
    too_many = Drops(hidden, rows, make_owner(hidden), {"channel": {"0", "1", "2"}})
    with pytest.raises(RuleError, match="'threshold': 3 of 6 slaves mask, 4 are needed"):
        too_many.drive()


def test_a_test_comes_in_with_the_training_after_it(make_rows, make_setup, make_owner):
    """Once all took part in the one before; which of them are at once depends on nothing else."""
    rows = make_rows(5)
    hidden, names = masked(make_setup(rows, rounds=5, quorum=4)), []
    drive(hidden, rows, keys=make_owner(hidden), seen=lambda e, s: names.append(str(e.name)))
    tests = [name for name in names if "evaluate" in name]
    assert tests == ["mask-evaluate:1", "evaluate:1", "mask-evaluate:5", "evaluate:5"]
    # A test that somebody was missing in is no reason to leave it out of training.
    hidden = Setup(hidden.config, run="r2")
    away = Drops(hidden, rows, make_owner(hidden), {"mask-evaluate": {"2"}})
    away.drive()
    tests = [entry["name"] for entry in away.seen if entry["name"].startswith("mask-evaluate")]
    assert tests == [f"mask-evaluate:{number}" for number in range(1, 6)]
    trained = [e for e in away.seen if e["name"].startswith("train")]
    assert [entry["missing"] for entry in trained] == [[]] * 5


@pytest.mark.parametrize(("threshold", "least"), [(0.67, 3), (0.8, 4)])
def test_nothing_is_handed_in_that_fewer_could_unmask_than_an_owner_allows(
    make_rows, make_setup, make_owner, threshold, least
):
    """Later on the others' shares are enough, whatever this owner's slave refuses."""
    rows = make_rows(5)
    setup = Setup(replace(make_setup(rows).config, threshold=threshold), run="r1")
    owner = make_owner(setup, "least_slaves = 4")
    if least >= 4:
        assert drive(setup, rows, keys=owner).round == 3
        return
    with pytest.raises(RuleError, match="'least_slaves': a sum of 3 slaves could be unmasked, 4 "):
        drive(setup, rows, keys=owner)


def test_how_large_a_quantity_was_is_not_told(make_rows, make_setup, make_owner, caplog):
    rows = make_rows(5)
    hidden = masked(make_setup(rows, max_norm=1e-6))
    with pytest.raises(BoundError, match="said on the slave's own screen alone") as caught:
        drive(hidden, rows, keys=make_owner(hidden))
    assert caught.value.__suppress_context__
    assert "away from the global model" in caplog.text


def test_what_leaves_tells_nothing_of_one_slave(make_rows, make_setup, make_owner):
    """No rows, no figures, and words that look drawn."""
    rows = make_rows(5)
    hidden = masked(make_setup(rows))
    left = []

    def look(bundles):
        left.extend(bundles)
        return bundles

    drive(hidden, rows, keys=make_owner(hidden), together=1, arrange=look)
    assert {bundle.rows for bundle in left} == {0}
    assert not any(bundle.facts for bundle in left)
    # Words, and tags.
    sums = [b.arrays[0] for b in left if b.arrays[0].ndim == 1]
    seen = np.bincount(np.concatenate(sums).view(np.uint8), minlength=256)
    expected = seen.sum() / 256
    # 255 degrees of freedom: 1e-6 of all draws lie above 374.
    assert ((seen - expected) ** 2 / expected).sum() < 374
