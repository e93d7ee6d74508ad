"""The sum of a round's updates, taken in slave order as they arrive, holding one at a time.

Floating-point sums depend on their order; adding in the order of the slaves' ids makes the
result independent of who arrived when. Updates that are ahead of their turn wait in Redis.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from fedredis.errors import BlobError, UpdateRefusedError

if TYPE_CHECKING:
    from fedredis.barrier import Barrier
    from fedredis.codec import Arrays, Schema
    from fedredis.store.master import MasterStore, Update

#: Bytes of updates to fetch in one go: many small ones, or one large one.
FETCH_BYTES = 4_000_000


class Reduction:
    """The running sum over the slaves of one round."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.total: Arrays = schema.zeros()
        self.samples = 0
        self.counted: list[str] = []
        #: Slaves whose update can't be counted, with the reason.
        self.refused: dict[str, str] = {}
        self._turn = 0

    def advance(self, barrier: Barrier, store: MasterStore) -> bool:
        """Add what has arrived and is next in order; say whether that was all.

        A slave that is missing when the barrier is closed is passed over.
        """
        step = max(1, FETCH_BYTES // max(1, self.schema.nbytes))
        while ready := self._ready(barrier, step):
            for update in store.updates(barrier.label, [s for s in ready if s in barrier.arrived]):
                self._add(update)
            self._turn += len(ready)
        return self._turn == len(barrier.slaves)

    def _ready(self, barrier: Barrier, most: int) -> list[str]:
        ready = []
        for slave in islice(barrier.slaves, self._turn, self._turn + most):
            if slave not in barrier.arrived and not barrier.closed:
                break
            ready.append(slave)
        return ready

    def _add(self, update: Update) -> None:
        try:
            arrays = checked(self.schema, update)
        except UpdateRefusedError as refusal:
            self.refused[update.slave] = str(refusal)
            return
        for total, array in zip(self.total, arrays, strict=True):
            total += array
        self.samples += update.samples
        self.counted.append(update.slave)


def checked(schema: Schema, update: Update) -> Arrays:
    """Decode an update.

    Raises
    ------
    UpdateRefusedError
        If it must not be counted: damaged, of another shape, or not finite throughout.
    """
    if update.samples < 0:
        raise UpdateRefusedError(f"a negative number of rows, {update.samples}")
    try:
        arrays = schema.decode(update.blob)
    except BlobError as error:
        raise UpdateRefusedError(str(error)) from error
    for field, array in zip(schema.fields, arrays, strict=True):
        if not np.isfinite(array).all():
            raise UpdateRefusedError(f"array '{field.name}' is not finite")
    return arrays
