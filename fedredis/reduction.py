"""The sum of a round's updates, taken in slave order as they arrive, holding a few at a time.

Floating-point sums depend on their order; adding in the order of the slaves' ids makes the
result independent of who arrived when. Updates that are ahead of their turn wait in Redis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.errors import UpdateRefusedError
from fedredis.update import unpack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedredis.codec import Arrays, Schema
    from fedredis.keys import Label
    from fedredis.store.master import MasterStore

#: Bytes of updates to fetch in one go: many small ones, or one large one.
FETCH_BYTES = 4_000_000
#: How many updates to fetch in one go at most.
FETCH_COUNT = 1_000


class Reduction:
    """The running sum over the slaves of one round."""

    def __init__(self, label: Label, schema: Schema, slaves: Sequence[str]) -> None:
        self.label, self.schema, self.slaves = label, schema, tuple(slaves)
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

    def advance(self, store: MasterStore, *, closed: bool) -> None:
        """Add what has arrived and is next in order.

        A slave that is missing from a closed round is passed over.
        """
        step = max(1, min(FETCH_COUNT, FETCH_BYTES // max(1, self.schema.nbytes)))
        while not self.complete:
            ready = self.slaves[self._turn : self._turn + step]
            for slave, packed in zip(ready, store.updates(self.label, ready), strict=True):
                if packed is None and not closed:
                    return
                self._turn += 1
                if packed is None:
                    self.missing.append(slave)
                else:
                    self._add(slave, packed)

    def _add(self, slave: str, packed: bytes) -> None:
        try:
            update = unpack(self.schema, packed)
        except UpdateRefusedError as refusal:
            self.refused[slave] = str(refusal)
            return
        for total, array in zip(self.total, update.arrays, strict=True):
            total += array
        self.samples += update.samples
        self.counted += 1
