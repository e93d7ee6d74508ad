"""The reduction of a round: bundles are checked and taken as they arrive, in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fedredis.arrays import Bundle, Sum, Updates, figures
from fedredis.errors import UpdateRefusedError
from fedredis.exchanges.protocol import Reduced

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fedredis.arrays import Arrays, Rule

#: What begins the name of a bundle that one slave alone can be in.
ALONE = "update:"
#: Why a bundle is refused of which nothing is missing: a server that starts once more may do half
#: of what it had forgotten, and list a bundle again.
TWICE = "one of its slaves was counted before"


class Reduction:
    """What has come back so far from the slaves of one round."""

    def __init__(
        self, rule: Rule, slaves: Sequence[str], rows: Mapping[str, int] | None = None
    ) -> None:
        """`rows` says how many each slave had when the run began, where that is known."""
        self._rule, self._asked, self._had = rule, slaves, rows or {}
        self._may_be = frozenset(slaves)
        self._total: Arrays = rule.schema.zeros() if rule.adds else []
        self._each: list[Bundle] = []
        self._facts: list[Bundle] = []
        self._in: set[str] = set()
        self.samples = 0

    @property
    def counted(self) -> int:
        """How many slaves were counted."""
        return len(self._in)

    def missing(self) -> list[str]:
        """List the slaves that were not counted, in order."""
        if self.counted == len(self._asked):
            return []
        return [slave for slave in self._asked if slave not in self._in]

    def take(self, arrived: Iterable[tuple[str, Bundle]]) -> dict[str, UpdateRefusedError]:
        """Count bundles; return why some were not, by their names.

        Bundles of one shape are checked in one go, which leaves nothing to be done a slave.
        """
        refused: dict[str, UpdateRefusedError] = {}
        sound: list[tuple[str, Bundle]] = []
        for name, bundle in arrived:
            if why := self._not_its(name, bundle):
                refused[name] = UpdateRefusedError(why)
            else:
                # Seen from here on: of two with the same slave the second is refused.
                self._in.update(bundle.slaves)
                sound.append((name, bundle))
        if not sound:
            return refused
        counts = np.array([len(bundle.slaves) for _, bundle in sound], np.int64)
        samples = np.array([bundle.rows for _, bundle in sound], np.int64)
        one = len(sound) == 1
        # In what slaves send each other nothing is to be checked.
        each = [] if self._rule.apart else [bundle.arrays for _, bundle in sound]
        columns = zip(*each, strict=True)
        stacks = [arrays[0][np.newaxis] if one else np.stack(arrays) for arrays in columns]
        for (name, bundle), reason in zip(
            sound, self._rule.reasons(counts, samples, stacks), strict=True
        ):
            why = self._more_than_it_had(bundle) or reason or self._too_many(bundle)
            if why:
                self._in.difference_update(bundle.slaves)
                refused[name] = UpdateRefusedError(why)
                continue
            self.samples += bundle.rows
            self._keep(bundle)
        return refused

    def _not_its(self, name: str, bundle: Bundle) -> str | None:
        if name.startswith(ALONE) and bundle.slaves != (name.removeprefix(ALONE),):
            return f"it speaks for others than slave {name.removeprefix(ALONE)}"
        if not self._may_be.issuperset(bundle.slaves):
            return "it speaks for a slave that was not asked"
        if not self._in.isdisjoint(bundle.slaves):
            return TWICE
        return None

    def _more_than_it_had(self, bundle: Bundle) -> str | None:
        for slave, rows in zip(bundle.slaves, bundle.samples, strict=True) if self._had else ():
            if rows > (before := self._had[slave]):
                return (
                    f"slave {slave} says that it is of {rows} rows, and had {before} when the run "
                    "began"
                )
        return None

    def _too_many(self, bundle: Bundle) -> str | None:
        most = self._rule.scope.rows if isinstance(self._rule, Sum) else None
        if most is not None and self.samples + bundle.rows > most:
            return f"with it there would be more rows than the {most} that all slaves have"
        return None

    def _keep(self, bundle: Bundle) -> None:
        # The arrays are let go of, so that a large round takes no more than its sum.
        self._facts.append(bundle.without_arrays())
        if self._rule.apart:
            self._each += [
                Bundle((slave,), (rows,), [array[i] for array in bundle.arrays])
                for i, (slave, rows) in enumerate(zip(bundle.slaves, bundle.samples, strict=True))
            ]
            return
        if not self._rule.adds:
            self._each.append(bundle)
            return
        for total, array in zip(self._total, bundle.arrays, strict=True):
            total += array

    def reduced(self) -> Reduced:
        """Return what came back, when nothing more will."""
        inside = tuple(self._asked)
        if len(inside) != self.counted:
            inside = tuple(slave for slave in inside if slave in self._in)
        each = self._single()
        return Reduced(self._total, self.samples, len(inside), len(self._asked), each, inside)

    def _single(self) -> Updates | None:
        if self._rule.adds:
            return None
        place = {slave: i for i, slave in enumerate(self._asked)}
        ordered = sorted(self._each, key=lambda bundle: place[bundle.slaves[0]])
        empty = [array[np.newaxis][:0] for array in self._rule.schema.zeros()]
        stacks = [np.stack(a) for a in zip(*(b.arrays for b in ordered), strict=True)] or empty
        samples = np.array([bundle.rows for bundle in ordered], np.int64)
        return Updates(tuple(bundle.slaves[0] for bundle in ordered), samples, stacks)

    def facts(self) -> list[dict[str, object]]:
        """Return what slaves have told of themselves, a bundle each."""
        return [
            {
                "worker": bundle.worker,
                "slaves": bundle.slaves,
                "samples": bundle.samples,
                "facts": figures.pack(bundle.facts),
            }
            for bundle in self._facts
        ]
