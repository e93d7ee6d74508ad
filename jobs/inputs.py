"""The rows that a worker holds in memory: its slaves' partitions, mapped to model inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from fedredis.data.own import OwnRows
from fedredis.data.partition import Partition, held, open_partition
from fedredis.errors import DataError
from fedredis.features.prepared import Prepared
from fedredis.jobs.agreement import conform
from fedredis.jobs.cache import ByteCache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from fedredis.arrays import Named
    from fedredis.config import RunConfig
    from fedredis.data.manifest import Manifest
    from fedredis.exchanges import Rows, Setup
    from fedredis.exchanges.stacks import Stack

#: How many categories a line names.
NAMED = 5
#: Bytes of partitions and of inputs made of them that a worker keeps in memory.
MEMORY = 2_000_000_000
#: Bytes of stacks of inputs, beside those. They spare time where slaves are many and small.
STACKS = 64_000_000


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
        #: Rows as they are, by slave; and as inputs, by run, preprocessing and slave.
        self._rows: ByteCache[tuple[str, ...], Rows] = ByteCache(memory, _nbytes)
        #: Stacks of inputs, by run, preprocessing, part and slaves.
        self._stacks: ByteCache[tuple[str, ...], Sequence[Stack]] = ByteCache(
            min(memory, STACKS),
            lambda stacks: sum(2 * len(each.rows) * _nbytes(each.rows[0]) for each in stacks),
        )

    def conformed(self, slave: str, config: RunConfig) -> Rows:
        """Return a slave's rows with a run's columns and classes, X (n, columns of the run).

        Raises
        ------
        DataError
            If they don't have them, they are others than when the run began, or the partition is
            missing or damaged.
        """
        began = dict(zip(config.names, config.contents, strict=False))
        if began.get(slave, self._holding.manifest.content) != self._holding.manifest.content:
            raise DataError(
                f"slave {slave} holds other rows than when the run began: start it on its old file"
            )
        return conform(self._raw(slave), self._holding.manifest, config)

    def counts(self, slave: str) -> tuple[int, int]:
        """Return how many rows a slave has to train on, and how many are held out.

        Raises
        ------
        DataError
            If the partition is missing or damaged.
        """
        raw = self._raw(slave)
        return len(raw.train_y), len(raw.test_y)

    def alone(self, slave: str, setup: Setup, known: Named) -> Iterator[str]:
        """Say which categories a slave that brings its own file has, and no other slave, if any.

        It is for the slave's owner, and quotes what is in the file.
        """
        holding = self._holding
        features = setup.features
        if not (isinstance(holding, OwnRows) and setup.config.slaves > 1):
            return
        X = self.conformed(slave, setup.config).train_X
        found = features.alone(known, X) if isinstance(features, Prepared) else {}
        for column, digests in found.items():
            texts = holding.texts.get(column, {})
            names = [repr(texts[key]) for d in digests if (key := str(int(d))) in texts]
            named = ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
            yield (
                f"no other slave has {named} in column '{column}': if others write it otherwise, "
                "write it alike; if it stands for nothing, `na` says so"
            )

    def _raw(self, slave: str) -> Partition:
        return cast("Partition", self._rows.get((slave,), lambda: self._holding.open(slave)))

    def mapped(self, slave: str, scope: tuple[str, str], make: Callable[[], Rows]) -> Rows:
        """Return a slave's rows as a run's model inputs, made once for a run and preprocessing."""
        return self._rows.get((*scope, slave), make)

    def stacks(
        self, scope: tuple[str, ...], make: Callable[[], Sequence[Stack]]
    ) -> Sequence[Stack]:
        """Return stacks of inputs, made once; `scope` says whose, for which run, and of what."""
        return self._stacks.get(scope, make)

    def forget_runs(self) -> None:
        """Let go of what was made for any run."""
        self._rows.drop(lambda key: len(key) > 1)
        self._stacks.drop(lambda key: True)

    def forget_other_runs(self, run_id: str) -> None:
        """Let go of what was made for runs that are over."""
        self._rows.drop(lambda key: len(key) > 1 and key[0] != run_id)
        self._stacks.drop(lambda key: key[0] != run_id)


def _nbytes(rows: Rows) -> int:
    arrays = (rows.train_X, rows.train_y, rows.train_w, rows.test_X, rows.test_y)
    return sum(array.nbytes for array in arrays if array is not None)
