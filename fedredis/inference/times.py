"""When events happen, and how many rows are at risk then: what survival analysis counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fedredis.arrays import Quantity
from fedredis.errors import DataError
from fedredis.features.lookup import HASHES, Lookup
from fedredis.inference.exact import Count, Part, Real
from fedredis.inference.levels import places

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named, Scope
    from fedredis.inference.stages import Frame

#: Cells of a sub-table at least, and by number of times that there may be; those are 2^20 at most.
FEWEST, SHARE, LARGEST = 64, 0.45, 1 << 20


def lookup_for(rows: int) -> Lookup:
    """Return what lists the different float64 of so many rows.

    Raises
    ------
    DataError
        If they may be too many.
    """
    if rows > LARGEST:
        raise DataError(f"{rows:,} rows may hold too many different numbers")
    return Lookup(HASHES * max(FEWEST, int(SHARE * rows)), 32, 64)


@dataclass(frozen=True)
class Subjects:
    """Columns of rows that are watched: until when, whether for an event, in which group."""

    time: str
    event: str
    group: str = ""
    weights: str = ""
    #: Other columns that a row must have to count.
    more: tuple[str, ...] = ()

    @cached_property
    def needed(self) -> tuple[str, ...]:
        """The columns of which no cell may be missing."""
        own = [name for name in (self.time, self.event, self.group, self.weights) if name]
        return tuple(dict.fromkeys((*own, *self.more)))

    def groups(self, known: Named) -> NDArray[np.float64]:
        """Return the groups' digests; without groups a single one."""
        return known[f"levels:{self.group}"] if self.group else np.zeros(1)

    def of(self, known: Named, frame: Frame) -> tuple[NDArray[Any], ...]:
        """Return times, events (0 or 1), weights and places of groups (n,) of complete rows."""
        there = frame.complete(self.needed)
        time, event = there.columns[self.time] + 0.0, there.columns[self.event]
        weights = there.columns[self.weights] if self.weights else np.ones(there.rows)
        group = np.zeros(there.rows, np.int64)
        if self.group:
            group = places(self.groups(known), there.columns[self.group])
        return time, event, weights, group


@dataclass(frozen=True)
class Times:
    """Learn ``times`` (k,) of events, ascending, and who is at risk.

    1. ``events``: how many there are, by group;
    2. ``times``: the different ones;
    3. ``risk``: ``died`` and ``at_risk`` (groups, k); and, with weights, the same sums of weights,
       ``died_weight``, ``at_risk_weight``.
    """

    subjects: Subjects
    scope: Scope
    blanks: ClassVar[bool] = False

    def next_pass(self, known: Named) -> str | None:
        """``events``, ``times``, ``risk``."""
        for key, name in (("at_risk", None), ("times", "risk"), ("events", "times")):
            if key in known:
                return name
        return "events"

    def parts(self, name: str, known: Named) -> tuple[Part, ...]:
        """Describe what is summed in a pass."""
        groups = len(self.subjects.groups(known))
        if name == "events":
            rows = Count.of("rows", groups, 2, among=(0, 1), cells=True)
            return (rows, Count.of("bad"))
        if name == "times":
            lookup = lookup_for(int(known["events"].sum()))
            shape, most = (4, lookup.cells), lookup.most[:, np.newaxis]
            return (Count(Quantity("cells", shape, most, whole=True, nonnegative=True)),)
        k = len(known["times"])
        sizes = (("died", k), ("gone", k + 1))
        counts = tuple(Count.of(n, groups, m, among=(0, 1), cells=True) for n, m in sizes)
        if not self.subjects.weights:
            return counts
        return (
            *counts,
            Real("died_weight", (groups * k,), self.scope),
            Real("gone_weight", (groups * (k + 1),), self.scope),
        )

    def sums(self, name: str, known: Named, frame: Frame) -> Arrays:
        """Add up a slave's rows."""
        time, event, weights, group = self.subjects.of(known, frame)
        groups = len(self.subjects.groups(known))
        fine = (time >= 0) & ((event == 0) | (event == 1)) & (weights > 0)
        died = event == 1
        if name == "events":
            rows = np.zeros((groups, 2), np.int64)
            np.add.at(rows, (group[fine], died[fine].astype(np.int64)), 1)
            return [rows, np.array(int((~fine).sum()))]
        if name == "times":
            different, rows = np.unique(time[died], return_counts=True)
            lookup = lookup_for(int(known["events"].sum()))
            return [lookup.table(different.view(np.uint64), rows)]
        k = len(known["times"])
        bins = group * (k + 1) + np.searchsorted(known["times"], time, side="right")
        gone = np.bincount(bins, minlength=groups * (k + 1)).reshape(groups, k + 1)
        at = group * k + np.searchsorted(known["times"], time)
        counts = np.bincount(at[died], minlength=groups * k).reshape(groups, k)
        if not self.subjects.weights:
            return [counts, gone]
        parts: Any = self.parts(name, known)
        return [
            counts,
            gone,
            parts[2].add_in(at[died], weights[died]),
            parts[3].add_in(bins, weights),
        ]

    def learn(self, name: str, known: Named, total: Arrays) -> Named:
        """Return what is known after a pass."""
        if name == "events":
            if int(total[1]):
                raise DataError(
                    f"{int(total[1])} rows have a time below 0, a weight that is not above it, or "
                    "an event that is neither 0 nor 1",
                    column=self.subjects.event,
                )
            if not total[0][:, 1].any():
                raise DataError("no row has an event (1)", column=self.subjects.event)
            return {**known, "events": total[0][:, 1], "rows": total[0].sum(axis=1)}
        if name == "times":
            events = int(known["events"].sum())
            found = lookup_for(events).entries(total[0], events)
            if found is None:
                raise DataError("its times can't be told apart", column=self.subjects.time)
            return {**known, "times": np.sort(found[0].view(np.float64))}
        died, gone = total[:2]
        if (died > still(gone)).any():
            raise DataError(
                "more rows have an event than are at risk: a slave's counts can't be",
                column=self.subjects.time,
            )
        after = {**known, "died": died, "at_risk": still(gone)}
        if self.subjects.weights:
            after["died_weight"] = total[2].reshape(died.shape)
            after["at_risk_weight"] = still(total[3].reshape(gone.shape))
        return after


def still(gone: NDArray[Any]) -> NDArray[Any]:
    """Sum up cells (groups, k + 1, …) from the end: what is still there at each time."""
    return np.ascontiguousarray(gone[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:])
