"""Shares of a count, taken as they are written."""

from __future__ import annotations

from fractions import Fraction


def of(share: float | str, count: int) -> Fraction:
    """Return a share of a count, exactly: 0.28 of 25 is 7, where floats make it a bit more."""
    return Fraction(str(share)) * count
