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
    apart: ClassVar[bool] = True

    schema: Schema

    def encode(self, stacks: Arrays, samples: NDArray[np.int64]) -> Arrays:
        """Return the arrays."""
        return stacks

    def bundles(self, updates: Updates) -> list[Bundle]:
        """Lay slaves side by side."""
        if not updates.slaves:
            return []
        return [Bundle(updates.slaves, (0,) * len(updates.slaves), updates.stacks)]

    def reasons(
        self, counts: NDArray[np.int64], samples: NDArray[np.int64], stacks: Arrays
    ) -> list[str | None]:
        """Find nothing wrong: only those can tell whom it is for."""
        return [None] * len(counts)


def updates(slaves: Sequence[str], each: Sequence[Arrays]) -> Updates:
    """Put together what some slaves send."""
    stacks = [np.stack(arrays) for arrays in zip(*each, strict=True)]
    return Updates(tuple(slaves), np.zeros(len(slaves), np.int64), stacks)
