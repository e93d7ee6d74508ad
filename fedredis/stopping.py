"""The best round of a run, and when to stop since there will hardly be a better one.

A round's score is the primary figure of the test of its model, summed over all slaves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def best_round(scores: Mapping[int, float]) -> int | None:
    """Return the round with the best score, the earliest of several; None without any."""
    return max(sorted(scores), key=scores.__getitem__, default=None)


def out_of_patience(scores: Mapping[int, float], patience: int, upto: int) -> bool:
    """Say whether the last `patience` rounds up to `upto` were no better than one before them.

    Prechelt, "Early Stopping - But When?", Neural Networks: Tricks of the Trade, 1998, the
    criterion UP with strips of one round.
    """
    best = best_round({number: score for number, score in scores.items() if number <= upto})
    return patience > 0 and best is not None and upto - best >= patience
