"""The rule of what slaves send each other: arrays that are kept apart, and looked at by nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from fedredis.arrays import Bundle, Updates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Schema


@dataclass(frozen=True, eq=False)
class Relay:
    """Each slave's arrays as they are."""

    adds: ClassVar[bool] = False

    schema: Schema

    def encode(self, stacks: Arrays, samples: NDArray[np.int64]) -> Arrays:
        """Return the arrays."""
        return stacks

    def bundles(self, updates: Updates) -> list[Bundle]:
        """Keep every slave apart."""
        return [
            Bundle((slave,), (0,), [stack[i] for stack in updates.stacks])
            for i, slave in enumerate(updates.slaves)
        ]

    def reasons(
        self, counts: NDArray[np.int64], samples: NDArray[np.int64], stacks: Arrays
    ) -> list[str | None]:
        """Say which are not of one slave."""
        return [None if n == 1 else "it is of several slaves" for n in counts.tolist()]


def updates(slaves: Sequence[str], each: Sequence[Arrays]) -> Updates:
    """Put together what some slaves send."""
    stacks = [np.stack(arrays) for arrays in zip(*each, strict=True)]
    return Updates(tuple(slaves), np.zeros(len(slaves), np.int64), stacks)
