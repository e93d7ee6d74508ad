"""The work that is measured, the same for all: what it starts from, trains and tests."""

from __future__ import annotations

import functools
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.harness import partitions
from fedredis.config import RunConfig
from fedredis.data.manifest import read_manifest
from fedredis.data.partition import open_partition
from fedredis.exchanges import Setup
from fedredis.exchanges.here import drive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fedredis.arrays import Arrays, Named
    from fedredis.data.partition import Partition
    from fedredis.exchanges import Rows


@dataclass(frozen=True)
class Work:
    """Partitions, the config of a run on them, and what the slaves' rows are standardised by.

    Slaves are opened when they are first asked for, and kept.
    """

    #: A folder that the peer may write into.
    root: Path
    partitions: Path
    config: RunConfig
    known: Named
    _slaves: dict[int, Rows] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Path, folder: Path, config: RunConfig) -> Work:
        """Learn the features of a cut, and leave a note of all for other processes."""
        one = drive(Setup(replace(config, rounds=1)), read_rows(folder, config))
        known = one.artifacts[one.preprocessing]
        (root / "config.json").write_text(config.to_json())
        (root / "partitions.txt").write_text(str(folder))
        np.savez(root / "known.npz", **known)
        return cls(root, folder, config, known)

    @functools.cached_property
    def setup(self) -> Setup:
        """What the config names."""
        return Setup(self.config)

    def slave(self, slave: int) -> Rows:
        """Open a slave's rows, standardised."""
        if slave not in self._slaves:
            rows = open_partition(self.partitions, slave, read_manifest(self.partitions))
            self._slaves[slave] = self.setup.prepare(self.known, rows)
        return self._slaves[slave]

    def samples(self, slave: int) -> int:
        """Count the rows that a slave learns from."""
        return len(self.slave(slave).train_y)

    def initial(self) -> Arrays:
        """Make the parameters before the first round."""
        rng = np.random.default_rng([self.config.seed, 0])
        return self.setup.model(self.known).initialise(rng)

    def train(self, parameters: Arrays, number: int, slave: int) -> Arrays:
        """Train as a slave does in round `number`, counted from 1."""
        rows, config = self.slave(slave), self.config
        (rng,) = config.local_rngs(number, [str(slave)])
        model = self.setup.model(self.known)
        return model.train(parameters, rows.train_X, rows.train_y, config.training(number), rng)

    def evaluate(self, parameters: Arrays, slave: int) -> tuple[float, int]:
        """Test on a slave's held-out rows: accuracy, and the number of rows."""
        rows, measure = self.slave(slave), self.setup.measure
        predictions = self.setup.model(self.known).predict(parameters, rows.test_X)
        sums = measure.sums(predictions[np.newaxis], rows.test_y[np.newaxis])
        count = len(rows.test_y)
        (accuracy,) = measure.facts(sums, np.array([count]), self.known)["accuracy"]
        return float(accuracy) if count else 0.0, count


def read_rows(folder: Path, config: RunConfig) -> dict[str, Partition]:
    """Read the rows of all slaves of a partition folder."""
    manifest = read_manifest(folder)
    return {slave: open_partition(folder, int(slave), manifest) for slave in config.slave_ids}


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
        cut = partitions(Path(root), slaves, rounds=rounds, features="plain")
        yield Work.of(Path(root), *cut)
