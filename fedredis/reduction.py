"""The sum of a round's updates, taken in slave order as they arrive, holding a few at a time.

Floating-point sums depend on their order; adding in the order of the slaves' ids makes the
result independent of who arrived when. Updates that are ahead of their turn wait in Redis.
Where a rule over single updates takes the place of the sum, they are kept, in the same order.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.errors import UpdateRefusedError
from fedredis.update import Updates, chunks, sound, unpack, unpack_one, unpack_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fedredis.codec import Arrays, Schema
    from fedredis.keys import Label
    from fedredis.store.master import MasterStore
    from fedredis.update import Bound

#: Bytes of updates to fetch in one go: many small ones, or one large one.
FETCH_BYTES = 4_000_000
#: How many updates to fetch in one go at most.
FETCH_COUNT = 1_000
#: Why an update is refused that is sound by itself.
TOO_LARGE = "it is too large to be added"


class Reduction:
    """The running sum over the slaves of one round."""

    def __init__(
        self,
        label: Label,
        schema: Schema,
        slaves: Sequence[str],
        bound: Bound | None = None,
        *,
        collects: bool = False,
    ) -> None:
        """Prepare for the updates of `slaves`; with `collects` all of them are kept."""
        self.label, self.schema, self.slaves = label, schema, tuple(slaves)
        self._bound = bound
        self._kept: list[Updates] | None = [] if collects else None
        self.total: Arrays = schema.zeros()
        self.samples = 0
        self.counted = 0
        #: Slaves that had not arrived when the round was closed.
        self.missing: list[str] = []
        #: Slaves whose update can't be counted, with the reason.
        self.refused: dict[str, str] = {}
        self._turn = 0

    @property
    def complete(self) -> bool:
        """Whether every slave has had its turn."""
        return self._turn == len(self.slaves)

    @property
    def contributors(self) -> list[str]:
        """The slaves that were counted, among those that have had their turn."""
        out = {*self.missing, *self.refused}
        return [slave for slave in self.slaves[: self._turn] if slave not in out]

    @property
    def each(self) -> Updates | None:
        """The single updates that were counted, in order, if they are kept."""
        if self._kept is None:
            return None
        samples = [kept.samples for kept in self._kept] or [np.zeros(0, np.int64)]
        empty = [zeros[np.newaxis][:0] for zeros in self.schema.zeros()]
        stacks = zip(*[kept.stacks for kept in self._kept] or [empty], strict=True)
        return Updates(np.concatenate(samples), [np.concatenate(stack) for stack in stacks])

    def advance(self, store: MasterStore, *, closed: bool) -> None:
        """Add what has arrived and is next in order.

        A slave that is missing from a closed round is passed over.
        """
        if self.schema.large:
            self._advance_large(store, closed=closed)
            return
        step = max(1, min(FETCH_COUNT, FETCH_BYTES // max(1, self.schema.nbytes)))
        while not self.complete:
            ready = self.slaves[self._turn : self._turn + step]
            packed = store.updates(self.label, ready)
            arrived = len(ready) if closed else _arrived(packed)
            self._take(store, ready[:arrived], packed[:arrived])
            if arrived < len(ready):
                return

    def _advance_large(self, store: MasterStore, *, closed: bool) -> None:
        """Do the same with one update in memory at a time, added in place."""
        while not self.complete:
            slave = self.slaves[self._turn]
            parts = store.update_parts(self.label, slave)
            first = next(parts, None)
            if first is None and not closed:
                return
            self._turn += 1
            if first is None:
                self.missing.append(slave)
                continue
            try:
                update = unpack_parts(self.schema, chain([first], parts), self._bound)
            except UpdateRefusedError as refusal:
                self.refused[slave] = str(refusal)
                continue
            if self._kept is not None:
                stacks = [array[np.newaxis] for array in update.arrays]
                self._kept.append(Updates(np.array([update.samples]), stacks))
            elif not _add(self.total, update.arrays):
                self.refused[slave] = TOO_LARGE
                continue
            self.samples += update.samples
            self.counted += 1
            # Let go before the next one is fetched.
            del update

    def _take(
        self, store: MasterStore, slaves: Sequence[str], packed: Sequence[bytes | None]
    ) -> None:
        """Let slaves have their turn: add their updates, or note why they are not added."""
        self._turn += len(slaves)
        there = {s: update for s, update in zip(slaves, packed, strict=True) if update is not None}
        absent = [slave for slave in slaves if slave not in there]
        # A list of parts, say, is there and can't be read as a string.
        of_another_kind = store.arrived(self.label, absent)
        self.refused |= dict.fromkeys(
            (slave for slave in absent if slave in of_another_kind), "not a fedredis blob"
        )
        self.missing += [slave for slave in absent if slave not in of_another_kind]
        if not there or self._count(list(there.values())):
            return
        # Something can't be counted: one by one, to find out what and why.
        for slave, update in there.items():
            try:
                unpack_one(self.schema, update, self._bound)
            except UpdateRefusedError as refusal:
                self.refused[slave] = str(refusal)
                continue
            if not self._count([update]):
                self.refused[slave] = TOO_LARGE

    def _count(self, packed: Sequence[bytes]) -> bool:
        """Add updates, all of them or, if one can't be counted, none; say which."""
        if not sound(self.schema, packed, self._bound):
            return False
        updates = unpack(self.schema, packed)
        if self._kept is not None:
            # Copies, or the bytes that they view would stay in memory with all their headers.
            stacks = [stack.copy() for stack in updates.stacks]
            self._kept.append(Updates(updates.samples.copy(), stacks))
        elif not self._sum(updates):
            return False
        self.samples += int(updates.samples.sum())
        self.counted += len(packed)
        return True

    def _sum(self, updates: Updates) -> bool:
        """Add updates to the total, all of them or, if a sum is not finite, none; say which."""
        with np.errstate(over="ignore", invalid="ignore"):
            total = [_sum(*terms) for terms in zip(self.total, updates.stacks, strict=True)]
        if not all(np.isfinite(array).all() for array in total):
            return False
        self.total = total
        return True


def _add(total: Arrays, arrays: Arrays) -> bool:
    """Add arrays in place, all of them or, if a sum is not finite, none; say which."""
    with np.errstate(over="ignore"):
        for whole, part in zip(total, arrays, strict=True):
            for some, more in zip(chunks(whole), chunks(part), strict=True):
                if not np.isfinite(some + more).all():
                    return False
    for whole, part in zip(total, arrays, strict=True):
        whole += part
    return True


def _sum(total: NDArray[Any], stack: NDArray[Any]) -> NDArray[Any]:
    """Add a stack to a total, one array after the other: NumPy's sum would take them in pairs."""
    if len(stack) == 1:
        return np.asarray(total + stack[0])
    terms = np.concatenate((total[np.newaxis], stack))
    np.add.accumulate(terms, axis=0, out=terms)
    return np.array(terms[-1])


def _arrived(packed: Sequence[bytes | None]) -> int:
    """Count the updates before the first that is not in."""
    return next((i for i, update in enumerate(packed) if update is None), len(packed))
