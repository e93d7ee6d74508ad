"""When events happen, and how many rows are at risk then: what survival analysis counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays import Quantity
from fedredis.errors import DataError
from fedredis.inference import distinct
from fedredis.inference.exact import Count, Part, Real
from fedredis.inference.levels import places

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named, Scope
    from fedredis.inference.stages import Frame


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
    3. ``risk``: ``died`` (groups, k), ``at_risk`` (groups, k), ``left`` (groups, k + 1), the rows
       that leave from each time up to the next without an event; and, with weights, the same sums
       of weights, ``died_weight``, ``at_risk_weight``.
    """

    subjects: Subjects
    scope: Scope

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
            return (Count.of("rows", groups, 2), Count.of("bad"))
        if name == "times":
            cells = distinct.cells_for(int(known["events"].sum()))
            most = distinct.MOST[:, np.newaxis]
            whole = Quantity("cells", (4, cells), most, whole=True, nonnegative=True)
            return (Count(whole),)
        k = len(known["times"])
        counts = (Count.of("died", groups, k), Count.of("gone", groups, k + 1))
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
        fine = (time >= 0) & ((event == 0) | (event == 1)) & (weights >= 0)
        died = event == 1
        if name == "events":
            rows = np.zeros((groups, 2), np.int64)
            np.add.at(rows, (group[fine], died[fine].astype(np.int64)), 1)
            return [rows, np.array(int((~fine).sum()))]
        if name == "times":
            cells = distinct.cells_for(int(known["events"].sum()))
            return [distinct.table(time[died], cells)]
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
                    f"{int(total[1])} rows have a time or a weight below 0, or an event that is "
                    "neither 0 nor 1",
                    column=self.subjects.event,
                )
            if not total[0][:, 1].any():
                raise DataError("no row has an event (1)", column=self.subjects.event)
            return {**known, "events": total[0][:, 1], "rows": total[0].sum(axis=1)}
        if name == "times":
            return {**known, "times": distinct.entries(total[0], self.subjects.time)[0]}
        died, gone = total[:2]
        after = {**known, "died": died, "at_risk": _still(gone), "left": gone.copy()}
        after["left"][:, 1:] -= died
        if self.subjects.weights:
            after["died_weight"] = total[2].reshape(died.shape)
            after["at_risk_weight"] = _still(total[3].reshape(gone.shape))
        return after


def _still(gone: NDArray[Any]) -> NDArray[Any]:
    """Return who is there at each time (groups, k), given who goes from each on (…, k + 1)."""
    return np.ascontiguousarray(gone[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:])
