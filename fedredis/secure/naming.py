"""What rounds of masked sums are called."""

from __future__ import annotations

from fedredis.keys import RoundName

#: What begins the kind of a round of masked sums.
MASK = "mask-"
#: Kinds of rounds that come before masked sums, and say nothing of rows.
BEFORE = ("channel", "deal")
#: What slaves give away to unmask a sum, as its only array is called.
SHARES = "shares"


def masked_name(name: RoundName) -> RoundName:
    """Return what the round is called in which the sums of another come in."""
    return RoundName(MASK + name.kind, name.number)


def plain_name(name: RoundName) -> RoundName:
    """Return what the round is called that unmasks the sums of another."""
    return RoundName(name.kind.removeprefix(MASK), name.number)
