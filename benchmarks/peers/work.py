"""The work itself, so that every peer does the same: what it starts from, trains and tests."""

from __future__ import annotations

import functools
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from redis import Redis

from benchmarks.harness import Bench
from fedredis import assembly
from fedredis.config import RunConfig
from fedredis.data.manifest import read_manifest
from fedredis.data.partition import Partition, open_partition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fedredis.codec import Arrays
    from fedredis.features.protocol import Known


class Work:
    """Partitions, the config of a run on them, and what the slaves' rows are standardised by.

    Slaves are opened when they are first asked for, and kept.
    """

    def __init__(self, root: Path, partitions: Path, config: RunConfig, known: Known) -> None:
        #: A folder that the peer may write into.
        self.root = root
        self.partitions, self.config, self.known = partitions, config, known
        self._features, self._measure = assembly.features_of(config), assembly.measure_of(config)
        self.model = assembly.model_of(config, known)
        self._manifest = read_manifest(partitions)
        self._slaves: dict[int, Partition] = {}

    @classmethod
    def cut(cls, root: Path, slaves: int, rounds: int) -> Work:
        """Cut the songs, pool the moments, and leave a note of both for other processes."""
        bench = Bench(Redis(), "", root)  # the client connects to nothing until it is used
        partitions, config = bench.partitions(slaves, rounds=rounds, features="plain")
        features = assembly.features_of(config)
        known: Known = {}
        while (name := features.next_pass(known)) is not None:
            total = features.schema(name).zeros()
            for slave in range(slaves):
                rows = open_partition(partitions, slave).train_X
                for sum_, array in zip(total, features.sums(name, known, rows), strict=True):
                    sum_ += array
            known = features.learn(name, known, total)
        (root / "config.json").write_text(config.to_json())
        (root / "partitions.txt").write_text(str(partitions))
        np.savez(root / "known.npz", **known)
        return cls(root, partitions, config, known)

    def slave(self, slave: int) -> Partition:
        """Open a slave's rows, standardised."""
        if slave not in self._slaves:
            rows = open_partition(self.partitions, slave, self._manifest)
            self._slaves[slave] = Partition(
                self._features.transform(self.known, rows.train_X),
                rows.train_y,
                self._features.transform(self.known, rows.test_X),
                rows.test_y,
            )
        return self._slaves[slave]

    def samples(self, slave: int) -> int:
        """Count the rows that a slave learns from."""
        return len(self.slave(slave).train_y)

    def initial(self) -> Arrays:
        """Make the parameters before the first round."""
        return self.model.initialise(np.random.default_rng([self.config.seed, 0]))

    def train(self, parameters: Arrays, number: int, slave: int) -> Arrays:
        """Train as a slave does in round `number`, counted from 1."""
        rows = self.slave(slave)
        rng = np.random.default_rng([self.config.seed, number, slave])
        return self.model.train(
            parameters, rows.train_X, rows.train_y, self.config.training(number), rng
        )

    def evaluate(self, parameters: Arrays, slave: int) -> tuple[float, int]:
        """Test on a slave's held-out rows: accuracy, and the number of rows."""
        rows = self.slave(slave)
        sums = self._measure.sums(self.model.predict(parameters, rows.test_X), rows.test_y)
        count = len(rows.test_y)
        return self._measure.score(sums, count), count


@functools.cache
def load(root: str) -> Work:
    """Read, in another process, the note that `Work.cut` left in a folder."""
    folder = Path(root)
    with np.load(folder / "known.npz") as known:
        return Work(
            folder,
            Path((folder / "partitions.txt").read_text()),
            RunConfig.from_json((folder / "config.json").read_text()),
            dict(known),
        )


@contextmanager
def work(slaves: int, rounds: int) -> Iterator[Work]:
    """Cut the work in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="peers-") as root:
        yield Work.cut(Path(root), slaves, rounds)
