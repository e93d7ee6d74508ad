"""What an analysis is made of: stages, each of some passes over the rows, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named
    from fedredis.inference.exact import Part


@dataclass(frozen=True, eq=False)
class Frame:
    """A slave's rows by column: numbers, or digests of categories; NaN where a cell is missing."""

    columns: Mapping[str, NDArray[np.float64]]
    rows: int

    def gaps(self, names: Collection[str]) -> NDArray[np.bool_]:
        """Say in which rows one of some columns is missing (rows,)."""
        gaps = np.zeros(self.rows, np.bool_)
        for name in names:
            gaps |= np.isnan(self.columns[name])
        return gaps

    def complete(self, names: Collection[str]) -> Frame:
        """Return the rows in which none of some columns is missing, with those columns alone."""
        there, kept = ~self.gaps(names), {name: self.columns[name] for name in names}
        if there.all():
            return Frame(kept, self.rows)
        return Frame({n: values[there] for n, values in kept.items()}, int(there.sum()))

    @cached_property
    def cells(self) -> NDArray[np.float64]:
        """All of them (rows, columns)."""
        return np.column_stack(list(self.columns.values()))


class Stage(Protocol):
    """Some passes; what it has learned are named arrays, `known`, and it never changes itself."""

    #: Whether some of that may be no number (NaN), as where a group has no rows.
    blanks: ClassVar[bool]

    def next_pass(self, known: Named) -> str | None:
        """Name the pass that is still to be made, or None when nothing is missing."""

    def parts(self, name: str, known: Named) -> tuple[Part, ...]:
        """Describe what is summed in a pass."""

    def sums(self, name: str, known: Named, frame: Frame) -> Arrays:
        """Add up a slave's rows, as whole numbers, in the order of the parts."""

    def learn(self, name: str, known: Named, total: Arrays) -> Named:
        """Return what is known after a pass, given the sums over all slaves, decoded.

        Raises
        ------
        DataError
            If nothing can be learned of such sums.
        """


@dataclass(frozen=True)
class Chain:
    """Stages, one after the other; each may use what those before it know."""

    stages: tuple[Stage, ...]

    def next_pass(self, known: Named) -> str | None:
        """Name the next pass of the first stage that is not over."""
        return next((name for s in self.stages if (name := s.next_pass(known))), None)

    def _stage(self, known: Named) -> Stage:
        return next(stage for stage in self.stages if stage.next_pass(known))

    def parts(self, name: str, known: Named) -> tuple[Part, ...]:
        """Describe what is summed in a pass."""
        return self._stage(known).parts(name, known)

    def sums(self, name: str, known: Named, frame: Frame) -> Arrays:
        """Add up a slave's rows."""
        return self._stage(known).sums(name, known, frame)

    def learn(self, name: str, known: Named, total: Arrays) -> Named:
        """Return what is known after a pass.

        If the next stage can't begin with it, this is said here, before any slave is asked.

        Raises
        ------
        DataError
            If nothing can be learned of such sums, or no rows can have them.
        """
        stage = self._stage(known)
        try:
            # What comes of it is looked at below.
            with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
                after = stage.learn(name, known, total)
                self.next_pass(after)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise _of_no_rows(name, str(error)) from error
        unlike = np.isinf if stage.blanks else lambda array: ~np.isfinite(array)
        for key, array in after.items():
            if array is not known.get(key) and unlike(array).any():
                raise _of_no_rows(name, f"its {key} would be no number")
        return after


def _of_no_rows(name: str, why: str) -> DataError:
    return DataError(
        f"the slaves' sums of the pass '{name}' go with no rows ({why}): a slave has handed in "
        "others than its own, or others than before"
    )


def step_of(known: Named) -> int:
    """Return the number of the step that is at hand, from 0."""
    return int(known["steps"]) + 1 if "steps" in known else 0


def next_step(known: Named) -> str | None:
    """Name the next of some steps, ``step <n>``, until they are ``over``."""
    return None if "over" in known and int(known["over"]) else f"step {step_of(known)}"


def triangle(values: NDArray[Any], weights: NDArray[Any] | None = None) -> NDArray[Any]:
    """Return the products of each row's values (n, p) by twos (n, p (p + 1) / 2), weighted."""
    first, second = np.triu_indices(values.shape[1])
    left = values if weights is None else values * weights[:, np.newaxis]
    product: NDArray[Any] = left[:, first] * values[:, second]
    return product


def square(packed: NDArray[Any]) -> NDArray[Any]:
    """Return symmetric matrices (…, p, p), given their triangles (…, p (p + 1) / 2)."""
    p = int((np.sqrt(8 * packed.shape[-1] + 1) - 1) / 2)
    first, second = np.triu_indices(p)
    whole = np.zeros((*packed.shape[:-1], p, p))
    whole[..., first, second] = whole[..., second, first] = packed
    return whole
