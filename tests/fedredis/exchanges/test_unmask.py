"""What slaves refuse a master that lies, by the rule's name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis.errors import BlobError, BoundError, RoundFailedError, RuleError
from fedredis.exchanges import Setup, make
from fedredis.exchanges.circles import slot_of
from fedredis.exchanges.here import Here
from fedredis.exchanges.masked import Masked
from fedredis.exchanges.plan import Progress
from fedredis.exchanges.plans import plan_of
from fedredis.exchanges.reduction import Reduction
from fedredis.exchanges.unmask import Unmask
from fedredis.keys import RoundName
from fedredis.secure.naming import masked_name, plain_name
from fedredis.secure.owner import Owner
from fedredis.secure.unmasking import Unmasking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fedredis.arrays import Bundle


def masked(setup: Setup, **changes: Any) -> Setup:
    return Setup(replace(setup.config, threshold=0.67, **changes), run="r1")


class Lying:
    """A run under masks that stands right before a round, in which its master begins to lie."""

    def __init__(
        self, setup: Setup, rows: Mapping[str, Any], owner: Owner, before: str = "train:1"
    ) -> None:
        self.setup, self.here = setup, Here(rows, together=1, keys=owner)
        name = RoundName.parse(before)
        self.name = plain_name(name)
        self.plan, self.progress = plan_of(setup), Progress()
        #: What each slave has handed in under masks, in the last such round.
        self.handed: list[Bundle] = []
        while True:
            (exchange, *_) = self.plan.due(self.progress)
            if exchange.name == name:
                break
            bundles = self.here.work(exchange)
            if isinstance(exchange, Masked):
                self.handed = bundles
            reduction = Reduction(exchange.rule, exchange.slaves)
            reduction.take([(str(i), b) for i, b in enumerate(bundles)])
            reduced = reduction.reduced()
            step = exchange.learn(reduced)
            self.progress, _ = self.plan.after(self.progress, exchange, step, reduced)

    def given(self, name: RoundName, **other: Any) -> dict[str, Any]:
        """Return what slaves are given in a round; `other` arrays are shown to them, by role."""
        reads, there = self.plan.reads(name, self.progress).items(), self.progress.artifacts
        return {role: there[artifact] for role, artifact in reads if artifact in there} | other

    def mask(self, slave: str, name: RoundName | None = None, **other: Any) -> Bundle:
        """Have a slave mask in a round."""
        name = name or masked_name(self.name)
        exchange = make(self.setup, name, self.given(name, **other))
        self.here.slaves = [slave]
        (bundle,) = exchange.rule.bundles(exchange.local(self.here))
        return bundle

    def ask(
        self,
        *inside: int,
        name: RoundName | None = None,
        helpers: tuple[str, ...] = ("0",),
        handed: Mapping[int, Bundle] | None = None,
        **other: Any,
    ) -> Any:
        """Have slaves help to unmask a set, with the tags that come with it."""
        name, handed = name or self.name, handed or dict(enumerate(self.handed))
        tags = [handed[place].arrays[1] for place in {*inside} & handed.keys()]
        told = {"inside": np.array(inside), "tags": np.add.reduce(tags, axis=0)}
        exchange = make(self.setup, name, self.given(name, inside=told, **other))
        assert isinstance(exchange, Unmask)
        self.here.slaves = helpers
        return exchange.local(self.here).stacks[0]

    def letters(self, *places: int, name: RoundName | None = None) -> Any:
        """Return the letters of some alone, as if the others had not dealt."""
        letters = self.given(name or self.name)["letters"]
        return {what: array[list(places)] for what, array in letters.items()}


@pytest.fixture
def lying(make_rows: Any, make_setup: Any, make_owner: Callable[..., Owner]) -> Lying:
    rows = make_rows(5)
    setup = masked(make_setup(rows, quorum=3))
    return Lying(setup, rows, make_owner(setup))


def test_a_set_is_answered_once_and_no_other_after_it(lying):
    first = lying.ask(0, 1, 2, 3)
    np.testing.assert_array_equal(lying.ask(3, 2, 1, 0), first)
    assert first.any(axis=2).all()
    for other in [(0, 1, 2, 3, 4), (1, 2, 3, 4)]:
        with pytest.raises(RuleError, match="'one-set': slave 0 has helped to unmask train:1"):
            lying.ask(*other)


def test_a_test_that_came_in_with_training_is_unmasked_for_no_other_set_apart(
    make_rows, make_setup, make_owner
):
    rows = make_rows(5)
    setup = masked(make_setup(rows, quorum=3))
    lying = Lying(setup, rows, make_owner(setup), "train:3")
    test = RoundName("evaluate", 2)
    letters = lying.plan.reads(RoundName("evaluate", 1), lying.progress)["letters"]
    given = {"letters": lying.progress.artifacts[letters]}
    lying.ask(0, 1, 2, 3)
    with pytest.raises(RuleError, match="'one-set': slave 0 has helped to unmask evaluate:2"):
        lying.ask(0, 1, 2)
    # Nor is either without the other, and be it for the same set, or a first time.
    with pytest.raises(RuleError, match="'one-set': slave 0 has masked evaluate:2 for another"):
        lying.mask("0", masked_name(test), **given)
    for slave in ("0", "1"):
        with pytest.raises(RuleError, match="'one-set': not all in the sum of evaluate:2 have"):
            lying.ask(0, 1, 2, 3, name=test, helpers=(slave,), **given)
    artifacts = dict(lying.progress.artifacts)
    assert artifacts["inside-train:3"].keys() == {"inside", "tested", "tags"}
    artifacts["inside-train:3"] = {"inside": artifacts["inside-train:3"]["inside"]}
    lying.progress = replace(lying.progress, artifacts=artifacts)
    for slave in ("0", "1"):
        with pytest.raises(RuleError, match="'one-set': not all in the sum of train:3 have"):
            lying.ask(0, 1, 2, 3, helpers=(slave,))


def test_a_sum_of_too_few_is_not_even_masked(lying):
    with pytest.raises(RuleError, match="'threshold': 2 slaves are in the sum, 3 are needed"):
        lying.mask("0", letters=lying.letters(0, 1))


def test_nor_is_the_same_set_answered_among_others_who_masked(lying):
    for _ in range(2):
        with pytest.raises(RuleError, match="'one-set': not all in the sum of train:1 have"):
            lying.ask(0, 1, 2, 3, letters=lying.letters(0, 1, 2, 3))
        lying.ask(0, 1, 2, 3)


def test_nor_is_a_sum_that_nobody_has_masked(lying):
    nothing = [replace(bundle, arrays=[a * 0 for a in bundle.arrays]) for bundle in lying.handed]
    with pytest.raises(RuleError, match="'one-set': not all in the sum of train:1 have"):
        lying.ask(0, 1, 2, 3, handed=dict(enumerate(nothing)))
    with pytest.raises(RuleError, match="'one-set': not all in the sum of train:2 have"):
        lying.ask(0, 1, 2, 3, name=RoundName("train", 2), model=lying.given(lying.name)["model"])


def test_a_slave_masks_for_one_set_and_one_model_in_a_round(lying):
    """Their words are made of the same secrets: what unmasks one sum unmasks the other."""
    (again, first), given = (lying.mask("0"), lying.handed[0]), lying.given(lying.name)
    np.testing.assert_array_equal(again.arrays[0], first.arrays[0])
    model = {name: array + 1 for name, array in given["model"].items()}
    for other in ({"letters": lying.letters(0, 1, 2)}, {"model": model}):
        with pytest.raises(RuleError, match="'one-set': slave 0 has masked train:1 for another"):
            lying.mask("0", **other)


def test_that_a_quantity_is_too_large_is_told_of_one_model_in_a_round(lying):
    """Or a master would learn how large it is by asking for many."""
    name, model = RoundName("mask-train", 2), lying.given(lying.name)["model"]
    huge, larger = ({a: array + most for a, array in model.items()} for most in (1e300, 1e301))
    for _ in range(2):
        with pytest.raises(BoundError, match="which, and how large it is, is said on the slave's"):
            lying.mask("0", name, model=huge)
    for other in (larger, model):
        with pytest.raises(RuleError, match="'one-set': slave 0 has masked train:2 for another"):
            lying.mask("0", name, model=other)


def test_what_is_not_signed_takes_up_no_round(lying):
    """A slave that refuses it masks as before when it is asked as it should be."""
    name, given = RoundName("mask-train", 2), lying.given(lying.name)
    channel = given["channel"] | {"keys": given["channel"]["keys"][[1, 0, 2, 3, 4]]}
    other = {name: array + 1 for name, array in given["model"].items()}
    with pytest.raises(RuleError, match="'signatures'"):
        lying.mask("0", name, model=other, channel=channel)
    lying.mask("0", name, model=given["model"])


@pytest.mark.parametrize("places", [[1, 0, 2], [0, 1, 1], [-1, 0, 1], [2, 3, 5]], ids=str)
def test_a_place_means_one_slave(lying, places):
    given = lying.given(lying.name)
    letters = lying.letters(0, 1, 2) | {"dealt": np.array(places)}
    with pytest.raises(RuleError, match="'known-slaves': others have dealt for train:1 than"):
        lying.mask("0", letters=letters)
    channel = {name: array[:3] for name, array in given["channel"].items()}
    with pytest.raises(BlobError, match="these are no channel keys: its places are not in order"):
        lying.mask("0", channel=channel | {"places": np.array(places)})
    with pytest.raises(BlobError, match="the letters for train:1 are not one a slave"):
        lying.mask("0", letters=lying.letters(0, 1, 2) | {"dealt": np.arange(4)})


def test_who_is_left_out_of_the_masks_is_told_so(lying):
    given = lying.given(lying.name)["channel"]
    channel = {name: array[:4] for name, array in given.items()}
    with pytest.raises(RuleError, match="'known-slaves': slave 4 has no part in the masks of"):
        lying.mask("4", channel=channel, letters=lying.letters(0, 1, 2, 3))


@pytest.mark.parametrize("changes", [{"sample": 2}, {"slaves": 2}])
def test_two_slaves_do_not_hide_each_other(make_rows, make_setup, make_owner, changes):
    """Though the run is one that an honest master would not begin."""
    rows = make_rows(changes.get("slaves", 5))
    setup = masked(make_setup(rows), **changes)
    before = "mask-train:1" if "sample" in changes else "mask-statistics:1"
    lying = Lying(setup, rows, make_owner(setup), before)
    with pytest.raises(RuleError, match="'threshold': the sum is of 2 slaves, 3 hide each other"):
        lying.mask(setup.config.trainers(1)[0])


def test_who_has_helped_to_unmask_a_sum_masks_in_no_other_of_that_round(
    make_rows, make_setup, make_owner
):
    rows = make_rows(5)
    setup = masked(make_setup(rows, quorum=3))
    lying = Lying(setup, rows, make_owner(setup), "mask-train:1")
    handed = {place: lying.mask(str(place)) for place in range(1, 5)}
    lying.ask(1, 2, 3, 4, handed=handed)
    with pytest.raises(RuleError, match="'one-set': slave 0 has masked train:1 for another set"):
        lying.mask("0", letters=lying.letters(0, 1, 2))


def test_who_is_told_of_few_others_is_not_laid_bare(
    make_rows, make_setup, make_owner, monkeypatch
):
    """Slave 0 hides behind 1 and 2, of whom the others are then told that they are missing."""
    rows = make_rows(5)
    setup = masked(make_setup(rows, quorum=3))
    lying = Lying(setup, rows, make_owner(setup), "mask-train:1")
    few, helpers = lying.letters(0, 1, 2), ("1", "2", "3", "4")
    handed = {place: lying.mask(str(place)) for place in range(1, 5)}
    handed[0] = lying.mask("0", letters=few)
    with pytest.raises(RuleError, match="'one-set': not all in the sum of train:1 have masked"):
        lying.ask(0, 3, 4, helpers=helpers, handed=handed)
    # What slaves vouch for is all that is in the way.
    monkeypatch.setattr(Unmask, "_check_tags", lambda *_: None)
    shares = lying.ask(0, 3, 4, helpers=helpers, handed=handed)
    name, slot = lying.name, slot_of(setup, lying.name)
    hiding = make(setup, masked_name(name), lying.given(name, letters=few)).hiding
    vaults = lying.progress.artifacts[f"vaults:{slot.batch}"]
    each = (list(vaults[what][:3, slot.place]) for what in ("seals", "vaults"))
    alone = Unmasking(
        hiding.gathered.circle, hiding.context, hiding.members, frozenset([0]), *each
    )
    answers = {int(slave): share[:3] for slave, share in zip(helpers, shares, strict=True)}
    words = alone.total(handed[0].arrays[0], answers)
    lying.here.slaves = ["0"]
    own = hiding.inner.local(lying.here)
    assert words.tolist() == [*np.concatenate([s.ravel() for s in own.stacks]), *own.samples]


@pytest.mark.parametrize("change", ["run", "config"])
def test_keys_of_another_run_or_config_are_none(lying, change):
    config = lying.setup.config
    other = {"run": {"run": "r2"}, "config": {"config": replace(config, rounds=99)}}
    lying.setup = replace(lying.setup, **other[change])
    for what in (lambda: lying.mask("0"), lambda: lying.ask(0, 1, 2, 3)):
        with pytest.raises(RuleError, match="'signatures': the channel key of slave 0"):
            what()


def test_a_quorum_may_change_while_a_run_goes_on(lying):
    """How few are enough under masks is the threshold's to say."""
    lying.setup = replace(lying.setup, config=replace(lying.setup.config, quorum=4))
    lying.mask("0")
    lying.ask(0, 1, 2, 3)


def test_a_master_that_has_forgotten_all_is_answered_as_before(lying, make_rows):
    """As after FLUSHALL, or by another master of the run."""
    first = lying.ask(0, 1, 2, 3)
    again = Lying(lying.setup, make_rows(5), lying.here.owner)
    for one, other in zip(again.handed, lying.handed, strict=True):
        np.testing.assert_array_equal(one.arrays[0], other.arrays[0])
    np.testing.assert_array_equal(again.ask(0, 1, 2, 3), first)
    with pytest.raises(RuleError, match="'one-set': slave 0 has helped to unmask train:1"):
        again.ask(0, 1, 2)


def test_who_has_other_rows_masks_no_more_in_a_run(lying, make_rows):
    """The words are the same, and would show the difference."""
    rows = make_rows(5)
    rows["0"].train_X[0, 0] += 1
    lying.here.rows = rows
    owner = lying.here.owner
    lying.mask("0")
    lying.here.keys = Owner.open(owner.folder / "policy.toml", owner.clock)
    lying.mask("1")
    with pytest.raises(RuleError, match="'same-rows': slave 0 has masked other sums in this run"):
        lying.mask("0")


def test_nor_who_is_made_to_go_on_from_another_memory(make_rows, make_setup, make_owner):
    rows = make_rows(5)
    setup = masked(make_setup(rows, strategy="scaffold"))
    owner = make_owner(setup)
    lying = Lying(setup, rows, owner, "mask-train:2")
    lying.mask("0")
    (blob,) = owner.journal.memories("r1", ["0"], 2)
    owner.journal.remember("r1", 1, {"0": blob[8:] + blob[:8]})
    with pytest.raises(RuleError, match=r"'same-rows': slave 0 .* of a memory that it no longer"):
        lying.mask("0")
    owner.journal.remember("r1", 1, {"0": blob})
    lying.mask("0")


@pytest.mark.parametrize(
    ("inside", "rule"),
    [
        ((0, 1), "'threshold': 2 slaves are in the sum, 3 are needed"),
        ((0, 1, 2, 2, 3), "'one-set': a slave stands twice"),
        ((0, 1, 2, 9), "'known-slaves': 9 did not mask"),
    ],
)
def test_a_set_that_breaks_a_rule_is_not_answered(lying, inside, rule):
    with pytest.raises(RuleError, match=rule):
        lying.ask(*inside)


def test_keys_that_were_swapped_are_found_out(lying):
    channel = dict(lying.progress.artifacts["channel:1"])
    channel["keys"] = channel["keys"][[1, 0, 2, 3, 4]]
    with pytest.raises(RuleError, match="'signatures': the channel key of slave 0"):
        lying.ask(0, 1, 2, 3, channel=channel)


def test_what_does_not_fit_is_no_sum_of_so_many(lying):
    """As when a slave masks with other keys than it has dealt."""
    artifacts = dict(lying.progress.artifacts)
    artifacts["masked-train:1"] = {"masked": artifacts["masked-train:1"]["masked"] ^ 1 << 60}
    lying.progress = replace(lying.progress, artifacts=artifacts)
    (exchange, *_) = lying.plan.due(lying.progress)
    lying.here.slaves = exchange.slaves
    reduction = Reduction(exchange.rule, exchange.slaves)
    bundles = exchange.rule.bundles(exchange.local(lying.here))
    reduction.take([(str(i), b) for i, b in enumerate(bundles)])
    with pytest.raises(RoundFailedError, match=r"what is left of train:1 .* is no sum of 5"):
        exchange.learn(reduction.reduced())
