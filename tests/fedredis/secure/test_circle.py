"""What a master that lies is refused for, by the rule's name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fedredis.errors import RuleError
from fedredis.secure.circle import Terms
from fedredis.secure.identity import Identity, Roster
from fedredis.secure.masks import digest
from fedredis.secure.party import channel_key
from fedredis.secure.unmasking import check_set

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("a", "b", "c", "d")
TERMS = Terms("run", digest("config"), NAMES, 0.67)


def public(root: bytes) -> bytes:
    return channel_key(root).public_key().public_bytes_raw()


class Master:
    """One who has gathered four slaves' keys, and can hand out what it likes."""

    def __init__(self, folder: Path) -> None:
        self.identities = {name: Identity.make(folder, name) for name in NAMES}
        self.roster = Roster.of(self.identities.values())
        self.keys = {name: public(digest(name)) for name in NAMES}
        self.signatures = {
            n: TERMS.sign(self.roster, i, self.keys[n]) for n, i in self.identities.items()
        }
        self.terms = TERMS

    def swap(self) -> None:
        self.keys["b"] = public(bytes(32))

    def sign_itself(self) -> None:
        own = Identity("b", self.identities["a"]._key)
        self.swap()
        self.signatures["b"] = TERMS.sign(self.roster, own, self.keys["b"])

    def invent(self) -> None:
        self.keys["e"] = public(bytes(32))
        self.signatures["e"] = self.signatures["a"]

    def exchange_two(self) -> None:
        self.keys["a"], self.keys["b"] = self.keys["b"], self.keys["a"]

    def lower(self) -> None:
        self.terms = replace(TERMS, share=0.3)

    def change(self, **terms: Any) -> None:
        self.terms = replace(TERMS, **terms)

    def leave_out(self) -> None:
        for name in ("c", "d"):
            del self.keys[name]


@pytest.mark.parametrize(
    ("lie", "rule"),
    [
        (Master.swap, "'signatures': the channel key of slave b is not signed by it"),
        (Master.sign_itself, "'signatures': the channel key of slave b"),
        (Master.exchange_two, "'signatures'"),
        (Master.invent, "'roster': slave e is not on"),
        (Master.lower, "'threshold': 0.3 of the slaves is not more than half"),
        (Master.leave_out, "'threshold': 2 of 4 slaves mask, 3 are needed"),
        (lambda master: master.change(run="other"), "'signatures'"),
        (lambda master: master.change(config=digest("other")), "'signatures'"),
        (lambda master: master.change(slaves=(*NAMES, "e")), "'signatures'"),
    ],
)
def test_a_master_that_lies_is_refused(tmp_path, lie, rule):
    master = Master(tmp_path)
    assert TERMS.circle(master.roster, master.keys, master.signatures).names == NAMES
    lie(master)
    with pytest.raises(RuleError, match=f"refused by the rule {rule}"):
        master.terms.circle(master.roster, master.keys, master.signatures)


def test_who_has_another_roster_has_signed_something_else(tmp_path):
    master = Master(tmp_path)
    other = Roster({**master.roster.keys, "d": master.roster.keys["a"]})
    with pytest.raises(RuleError, match=r"slave a is not signed .* compare rosters"):
        TERMS.circle(other, master.keys, master.signatures)


def test_who_is_on_no_roster_is_named(tmp_path):
    """Though the signatures of all others don't fit either."""
    master = Master(tmp_path)
    fewer = Roster({name: key for name, key in master.roster.keys.items() if name != "d"})
    with pytest.raises(RuleError, match="'roster': slave d is not on this slave's roster"):
        TERMS.circle(fewer, master.keys, master.signatures)


def test_who_is_missing_leaves_a_circle_of_the_others(tmp_path):
    master = Master(tmp_path)
    del master.keys["b"]
    circle = TERMS.circle(master.roster, master.keys, master.signatures)
    assert (circle.names, circle.helpers, circle.least(4)) == (("a", "c", "d"), 3, 3)
    assert circle.digest != replace(circle, share=0.7).digest


@pytest.mark.parametrize(
    ("inside", "rule"),
    [
        ((0, 1, 1), "'one-set': a slave stands twice"),
        ((0, 1, 3), "'known-slaves': d did not mask"),
        ((0, 1, 9), "'known-slaves': 9 did not mask"),
        ((0, 2), "'threshold': 2 slaves are in the sum, 3 are needed"),
    ],
)
def test_a_set_that_can_t_be_unmasked_is_refused(inside, rule):
    assert check_set((0, 1, 2), (0, 1, 2), 3, NAMES) == {0, 1, 2}
    with pytest.raises(RuleError, match=rule):
        check_set(inside, (0, 1, 2), 3, NAMES)
