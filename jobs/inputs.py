"""The rows that a worker holds in memory: its slaves' partitions, mapped to model inputs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from fedredis.data.partition import Partition, held, open_partition
from fedredis.jobs.agreement import conform
from fedredis.jobs.cache import ByteCache

if TYPE_CHECKING:
    from pathlib import Path

    from fedredis.config import RunConfig
    from fedredis.data.manifest import Manifest
    from fedredis.features.protocol import Features, Known

#: Bytes of partitions, and as many of mapped inputs, that a worker keeps in memory.
MEMORY = 1_000_000_000


class Holding(Protocol):
    """Some slaves' rows, wherever they lie: in a partition folder, or in a slave's own file."""

    @property
    def manifest(self) -> Manifest:
        """What the rows are."""

    @property
    def slaves(self) -> tuple[str, ...] | None:
        """Whose rows they are, in order; None: all slaves' that the manifest counts."""

    def open(self, slave: str) -> Partition:
        """Return a slave's rows, X (n, columns of the manifest).

        Raises
        ------
        DataError
            If they are missing or damaged.
        """


@dataclass(frozen=True)
class Folder:
    """A partition folder, which is read slave by slave as one is asked for."""

    directory: Path
    manifest: Manifest

    @property
    def slaves(self) -> tuple[str, ...] | None:
        """Whose files are there; None: all slaves'."""
        there = held(self.directory, self.manifest)
        return None if len(there) == self.manifest.slaves else tuple(map(str, there))

    def open(self, slave: str) -> Partition:
        """Read a slave's rows.

        Raises
        ------
        DataError
            If the slave's file is missing or damaged.
        """
        return open_partition(self.directory, int(slave), self.manifest)


class Inputs:
    """Opens the partitions of a holding, and only those that are asked for."""

    def __init__(self, holding: Holding, *, memory: int = MEMORY) -> None:
        self._holding = holding
        self._raw: ByteCache[str, Partition] = ByteCache(memory, _nbytes)
        self._mapped: ByteCache[tuple[str, ...], Partition] = ByteCache(memory, _nbytes)

    def raw(self, slave: str) -> Partition:
        """Return a slave's rows as they are, X (n, columns of the manifest).

        Raises
        ------
        DataError
            If the partition is missing or damaged.
        """
        return self._raw.get(slave, lambda: self._holding.open(slave))

    def conformed(self, slave: str, config: RunConfig) -> Partition:
        """Return a slave's rows with a run's columns and classes, X (n, columns of the run).

        Raises
        ------
        DataError
            If they don't have them, or the partition is missing or damaged.
        """
        return conform(self.raw(slave), self._holding.manifest, config)

    def mapped(
        self,
        slave: str,
        config: RunConfig,
        scope: tuple[str, ...],
        features: Features,
        known: Known,
    ) -> Partition:
        """Return a slave's rows as a run's model inputs X (n, width).

        `scope` names what they are mapped with, so that they are mapped once.

        Raises
        ------
        DataError
            As from `conformed`.
        """

        def make() -> Partition:
            rows = self.conformed(slave, config)
            return replace(
                rows,
                train_X=features.transform(known, rows.train_X),
                test_X=features.transform(known, rows.test_X),
            )

        return self._mapped.get((*scope, slave), make)


def _nbytes(rows: Partition) -> int:
    arrays = (rows.train_X, rows.train_y, rows.test_X, rows.test_y)
    return sum(array.nbytes for array in arrays)
