"""The rows that a worker holds in memory: its slaves' partitions, mapped to model inputs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fedredis.data.partition import Partition, open_partition
from fedredis.jobs.cache import ByteCache

if TYPE_CHECKING:
    from pathlib import Path

    from fedredis.data.manifest import Manifest
    from fedredis.features.protocol import Features, Known

#: Bytes of partitions, and as many of mapped inputs, that a worker keeps in memory.
MEMORY = 1_000_000_000


class Inputs:
    """Opens the partitions of one folder, and only those that are asked for."""

    def __init__(self, directory: Path, manifest: Manifest, *, memory: int = MEMORY) -> None:
        self._directory, self._manifest = directory, manifest
        self._raw: ByteCache[str, Partition] = ByteCache(memory, _nbytes)
        self._mapped: ByteCache[tuple[str, ...], Partition] = ByteCache(memory, _nbytes)

    def raw(self, slave: str) -> Partition:
        """Return a slave's rows as they are, X (n, columns).

        Raises
        ------
        DataError
            If the partition is missing or damaged.
        """
        return self._raw.get(
            slave, lambda: open_partition(self._directory, int(slave), self._manifest)
        )

    def mapped(
        self, slave: str, scope: tuple[str, ...], features: Features, known: Known
    ) -> Partition:
        """Return a slave's rows as model inputs X (n, width).

        `scope` names what they are mapped with, so that they are mapped once.
        """

        def make() -> Partition:
            raw = self.raw(slave)
            return replace(
                raw,
                train_X=features.transform(known, raw.train_X),
                test_X=features.transform(known, raw.test_X),
            )

        return self._mapped.get((*scope, slave), make)


def _nbytes(rows: Partition) -> int:
    arrays = (rows.train_X, rows.train_y, rows.test_X, rows.test_y)
    return sum(array.nbytes for array in arrays)
