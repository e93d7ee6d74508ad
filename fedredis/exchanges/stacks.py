"""Slaves with as many rows are worked for at once, which spares most of NumPy's overhead."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fedredis.models.shuffle import Draws

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from fedredis.exchanges.protocol import Rows

#: Numbers in a stack of matrices at most: more would not fit a core's cache.
STACK_SIZE = 1 << 20

#: Makes generators of slaves in the round of a number.
Rngs = Callable[[int, Sequence[str]], Sequence[np.random.Generator]]
#: Which of a slave's rows: those to train on, or those held out.
Part = Literal["train", "test"]


@dataclass(frozen=True, eq=False)
class Stack:
    """One part of the rows of k slaves that have n of them each; stacked when first asked for."""

    part: Part
    slaves: tuple[str, ...]
    rows: tuple[Rows, ...]
    #: What the slaves draw in the round of training of a number that is to come.
    ahead: dict[int, Draws] = field(default_factory=dict)

    @cached_property
    def samples(self) -> NDArray[np.int64]:
        """The number of rows of each slave (k,)."""
        return np.full(len(self.slaves), len(_of(self.rows[0], self.part, "y")), np.int64)

    @cached_property
    def X(self) -> NDArray[Any]:  # noqa: N802
        """Inputs (k, n, width)."""
        return self._stacked("X")

    @cached_property
    def y(self) -> NDArray[Any]:
        """Labels (k, n)."""
        return self._stacked("y")

    @cached_property
    def w(self) -> NDArray[Any] | None:
        """What rows to train on weigh (k, n), if not all the same."""
        return None if self.rows[0].train_w is None else self._stacked("w")

    def draws(self, number: int, rngs: Rngs) -> Draws:
        """Return what the slaves draw in a round of training, once: perhaps it is there."""
        return self.ahead.pop(number, Draws(partial(rngs, number, self.slaves)))

    def get_ahead(self, number: int, rngs: Rngs) -> None:
        """Have the slaves draw for a round of training to come, and for no other one."""
        self.ahead.clear()
        self.ahead[number] = draws = self.draws(number, rngs)
        draws.get_ahead(self.X, self.y, self.w)

    def _stacked(self, what: str) -> NDArray[Any]:
        arrays = [_of(rows, self.part, what) for rows in self.rows]
        # What is large is alone, and not copied but for another layout.
        return np.stack(arrays) if len(arrays) > 1 else np.ascontiguousarray(arrays[0])[np.newaxis]


def stacked(rows: Mapping[str, Rows], part: Part) -> list[Stack]:
    """Stack one part of the rows of slaves."""
    groups = stacks({slave: _of(of_slave, part, "X") for slave, of_slave in rows.items()})
    return [Stack(part, tuple(group), tuple(rows[slave] for slave in group)) for group in groups]


def merged(groups: Sequence[Sequence[NDArray[Any]]]) -> list[NDArray[Any]]:
    """Put the arrays (k, …) of several stacks behind each other."""
    return [np.concatenate(a) if len(a) > 1 else a[0] for a in zip(*groups, strict=True)]


def stacks(inputs: Mapping[str, NDArray[Any]]) -> Iterator[list[str]]:
    """Group slaves whose inputs have the same shape, as many as fit a stack."""
    alike: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for slave, X in inputs.items():
        alike[X.shape].append(slave)
    for slaves in alike.values():
        most = max(1, STACK_SIZE // max(1, inputs[slaves[0]].size))
        for first in range(0, len(slaves), most):
            yield slaves[first : first + most]


def _of(rows: Rows, part: Part, what: str) -> NDArray[Any]:
    array: NDArray[Any] = getattr(rows, f"{part}_{what}")
    return array
