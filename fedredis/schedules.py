"""How the learning rate falls over the rounds: factors of round t (from 1) of T."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def constant(number: int, rounds: int) -> float:
    """Return 1."""
    return 1.0


def linear(number: int, rounds: int) -> float:
    """Fall by the same step each round, so that a round after the last would have none left.

    ``1 - (t - 1) / T``
    """
    return 1 - (number - 1) / rounds


def cosine(number: int, rounds: int) -> float:
    """Fall slowly, fast, slowly: ``(1 + cos(pi (t - 1) / T)) / 2``.

    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017,
    equation 5, without restarts.
    """
    return (1 + math.cos(math.pi * (number - 1) / rounds)) / 2


def inverse_sqrt(number: int, rounds: int) -> float:
    """Fall without an end in sight: ``1 / sqrt(t)``."""
    return 1 / math.sqrt(number)


def step(number: int, rounds: int) -> float:
    """Fall to a tenth after half the rounds, and to a tenth of that after three quarters.

    He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, section 4.2.
    """
    return 0.1 ** (int(2 * (number - 1) >= rounds) + int(4 * (number - 1) >= 3 * rounds))


#: The schedules by the name that a config calls them.
SCHEDULES: Mapping[str, Callable[[int, int], float]] = {
    "constant": constant,
    "cosine": cosine,
    "inverse-sqrt": inverse_sqrt,
    "linear": linear,
    "step": step,
}
