"""How what slaves send is reduced: a sum of integers, or each update by itself.

Both say what travels (`schema`), turn what slaves have computed into that (`encode`), add slaves
up where they may be (`bundles`), and say what can't be counted (`reasons`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from fedredis.arrays.schema import Arrays, Field, Schema
from fedredis.arrays.updates import Bundle
from fedredis.errors import BoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fedredis.arrays.quantity import Quantity
    from fedredis.arrays.updates import Updates


@dataclass(frozen=True)
class Scope:
    """How many slaves, and how many rows of theirs, can come together in one sum."""

    slaves: int
    rows: int


class Rule(Protocol):
    """What an exchange asks back of slaves, and how it is reduced."""

    #: Whether what comes back is added up, or every slave's arrays are kept.
    adds: ClassVar[bool]
    #: Whether slaves lie side by side in a bundle.
    apart: ClassVar[bool]

    @property
    def schema(self) -> Schema:
        """Describe what travels."""

    def encode(self, stacks: Arrays, samples: NDArray[np.int64]) -> Arrays:
        """Turn k slaves' arrays (k, …), of so many rows each (k,), into what travels (k, …).

        Raises
        ------
        BoundError
            If a value is beyond its bound.
        """

    def bundles(self, updates: Updates) -> list[Bundle]:
        """Add slaves up as far as the rule allows."""

    def reasons(
        self, counts: NDArray[np.int64], samples: NDArray[np.int64], stacks: Arrays
    ) -> list[str | None]:
        """Say why bundles (k, …), of so many slaves and rows each (k,), can't be counted."""


@dataclass(frozen=True, eq=False)
class Sum:
    """Exact sums: integers, which may be added in any order and by anybody."""

    adds: ClassVar[bool] = True
    apart: ClassVar[bool] = False

    quantities: tuple[Quantity, ...]
    scope: Scope

    @cached_property
    def schema(self) -> Schema:
        """Describe the integers."""
        return Schema(tuple(Field(q.name, "<i8", q.travels) for q in self.quantities))

    def encode(self, stacks: Arrays, samples: NDArray[np.int64]) -> Arrays:
        """Turn k slaves' values (k, …) into integers (k, …).

        Raises
        ------
        BoundError
            If a value is beyond its bound.
        """
        if samples.max(initial=0) > self.scope.rows:
            raise BoundError(
                f"a slave has {samples.max()} rows, more than the {self.scope.rows} of all slaves "
                "of the run"
            )
        slaves, rows = self.scope.slaves, self.scope.rows
        return [
            quantity.encode(stack, samples, slaves, rows)
            for quantity, stack in zip(self.quantities, stacks, strict=True)
        ]

    def bundles(self, updates: Updates) -> list[Bundle]:
        """Add all of them up."""
        if not updates.slaves:
            return []
        single = len(updates.slaves) == 1
        arrays = [
            stack[0] if single else np.add.reduce(stack, axis=0, dtype=np.int64)
            for stack in updates.stacks
        ]
        samples = tuple(updates.samples.tolist())
        return [Bundle(updates.slaves, samples, arrays, updates.facts)]

    def decode(self, total: Arrays) -> Arrays:
        """Turn a sum of integers back into what it stands for."""
        slaves, rows = self.scope.slaves, self.scope.rows
        return [
            quantity.decode(array, slaves, rows)
            for quantity, array in zip(self.quantities, total, strict=True)
        ]

    def reasons(
        self, counts: NDArray[np.int64], samples: NDArray[np.int64], stacks: Arrays
    ) -> list[str | None]:
        """Say which bundles hold what so many slaves and rows can't come to."""
        slaves, rows = self.scope.slaves, self.scope.rows
        why: list[str | None] = [
            f"{n} rows, more than all slaves have" if n > rows else None for n in samples.tolist()
        ]
        named = {q.name: stack for q, stack in zip(self.quantities, stacks, strict=True)}
        for quantity, stack in zip(self.quantities, stacks, strict=True):
            found = quantity.reasons(stack, counts, samples, slaves, rows, named)
            why = [one or other for one, other in zip(why, found, strict=True)]
        return why


@dataclass(frozen=True, eq=False)
class Each:
    """Single updates as they are: points near a centre, for rules that compare slaves."""

    adds: ClassVar[bool] = False
    apart: ClassVar[bool] = False

    schema: Schema
    #: Arrays of the schema's shapes; the update, divided by its rows, may be so far from them.
    centre: Arrays
    #: Euclidean norm over all arrays.
    norm: float

    def encode(self, stacks: Arrays, samples: NDArray[np.int64]) -> Arrays:
        """Return the arrays as they are.

        Raises
        ------
        BoundError
            If one is further from the centre than it may be, or no number.
        """
        for why in self.reasons(np.ones_like(samples), samples, stacks):
            if why:
                raise BoundError(why)
        return stacks

    def bundles(self, updates: Updates) -> list[Bundle]:
        """Keep every slave apart."""
        return [
            Bundle(
                (slave,),
                (int(updates.samples[i]),),
                [stack[i] for stack in updates.stacks],
                {name: values[i : i + 1] for name, values in updates.facts.items()},
            )
            for i, slave in enumerate(updates.slaves)
        ]

    def reasons(
        self, counts: NDArray[np.int64], samples: NDArray[np.int64], stacks: Arrays
    ) -> list[str | None]:
        """Say which updates are too far from the centre, or of no row, or of several slaves."""
        far = distances(stacks, samples, self.centre).tolist()
        return [
            "it is of several slaves, and this strategy looks at each"
            if several != 1
            else f"{rows} is not a number of rows that it can stand for"
            if rows < 1
            else None
            if away <= self.norm
            else f"it is {away:.3g} away from the global model, more than {self.norm:.3g}"
            for several, rows, away in zip(counts.tolist(), samples.tolist(), far, strict=True)
        ]


def distances(
    stacks: Sequence[NDArray[np.float64]], samples: NDArray[np.int64], centre: Arrays
) -> NDArray[np.float64]:
    """Return how far k updates (k, …) divided by their rows (k,) are from a centre (k,).

    What is not finite, or overflows, is infinitely far away or NaN, and within no norm.
    """
    squares = np.zeros(len(samples))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for stack, middle in zip(stacks, centre, strict=False):
            away = stack / samples.reshape(-1, *[1] * middle.ndim) - middle
            # Not a product of BLAS, whose threads would fight with the workers for the cores.
            flat = away.reshape(len(samples), -1)
            squares += np.einsum("ij,ij->i", flat, flat, dtype=np.float64)
    return np.sqrt(squares)
