"""Which of the models that were tested did best, and whether to wait for a better one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def best_round(scores: Mapping[int, float | None]) -> int | None:
    """Return the round with the best score, the earliest of several; None without any."""
    known = {number: score for number, score in sorted(scores.items()) if score is not None}
    return max(known, key=known.__getitem__, default=None)


def out_of_patience(scores: Mapping[int, float | None], patience: int, upto: int) -> bool:
    """Say whether the last `patience` rounds up to `upto` were no better than one before them.

    Prechelt, "Early Stopping - But When?", Neural Networks: Tricks of the Trade, 1998, the
    criterion UP with strips of one round.
    """
    if not patience:
        return False
    best = best_round({number: score for number, score in scores.items() if number <= upto})
    return best is not None and upto - best >= patience
