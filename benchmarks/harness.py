"""Runs to measure, on an embedded server of their own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedredis.api.keys import simulated
from fedredis.config import RunConfig
from fedredis.connection import connect
from fedredis.data.manifest import read_manifest
from fedredis.embedded import EmbeddedServer
from fedredis.exchanges import TRAINING, Setup, finished
from fedredis.exchanges.here import drive
from fedredis.jobs.dispatch import Dispatcher
from fedredis.jobs.pool import PROGRAM, WorkerPool
from fedredis.rounds.master import create_run, drive_run
from fedredis.store import runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from redis import Redis

    from fedredis.exchanges import Exchange, Rows, Step
    from fedredis.keys import RoundName
    from fedredis.rounds.engine import Report

#: The real songs, beside the checkout; without them the songs are synthetic.
SONGS = Path(__file__).resolve().parents[2] / "shared" / "data" / "spotify-decades"
SOURCE = "the real songs" if SONGS.is_dir() else "synthetic songs"


@dataclass(frozen=True)
class Measured:
    """What a run came to."""

    #: Held-out accuracy after the last round.
    accuracy: float
    #: Milliseconds of each round of training, from its opening to its commit.
    round_ms: list[float]
    #: Updates counted in training.
    updates: int
    #: Milliseconds from the end of one round to that of the next, in the mean.
    pace: float = 0.0


def partitions(
    root: Path, slaves: int, seed: int = 0, by: str = "iid", **settings: object
) -> tuple[Path, RunConfig]:
    """Cut the songs in a folder of `root`, if that is not done yet; make the config of a run."""
    folder = root / f"{slaves}-{seed}-{by.replace(':', '-')}"
    if not folder.exists():
        # In a process of its own: what it takes to read files is not the master's.
        data = [str(SONGS)] if SONGS.is_dir() else []
        how = ["--slaves", str(slaves), "--seed", str(seed), "--by", by, "--out", str(folder)]
        fedredis = Path(sys.executable).with_name("fedredis")
        cut = [str(fedredis), "partition", *data, *how]
        subprocess.run(cut, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    manifest = read_manifest(folder)
    config = RunConfig(
        dataset=manifest.dataset,
        columns=manifest.columns,
        classes=manifest.classes,
        rows=manifest.rows,
        slaves=slaves,
        seed=seed,
        **settings,  # type: ignore[arg-type]
    )
    return folder, config


def accuracies(config: RunConfig, rows: Mapping[str, Rows]) -> dict[int, float]:
    """Train in this process, to the bits of a run; return the held-out accuracy by round."""
    scores: dict[int, float] = {}

    def seen(exchange: Exchange, step: Step) -> None:
        if exchange.name.kind == "evaluate":
            scores[exchange.name.number] = step.entry["accuracy"]

    drive(Setup(config), rows, seen=seen)
    return scores


@dataclass(frozen=True)
class Bench:
    """A server and a folder for runs to measure."""

    client: Redis
    url: str
    folder: Path

    def partitions(
        self, slaves: int, seed: int = 0, by: str = "iid", **settings: object
    ) -> tuple[Path, RunConfig]:
        """Cut the songs and make the config of a run on them."""
        return partitions(self.folder, slaves, seed, by, **settings)

    def run(
        self,
        folder: Path,
        config: RunConfig,
        workers: int = 2,
        *,
        report: Report = lambda name, entry: None,
        module: str = PROGRAM,
    ) -> Measured:
        """Train with workers of our own, each of which runs `module`."""
        client, clock, run_id = self.client, time.monotonic, create_run(self.client, config)
        ends: list[float] = []

        def told(name: RoundName, entry: Mapping[str, Any]) -> None:
            if finished(name, entry):
                ends.append(clock())
            report(name, entry)

        owner = simulated(self.folder, config.dataset, config.slave_ids) if config.secure else ()
        with WorkerPool(self.url, folder, workers, module=module, owner=owner) as pool:
            drive_run(
                client,
                run_id,
                dispatcher=lambda store, config: Dispatcher(
                    client, store, config, own_workers=workers, revive=pool.revive, clock=clock
                ),
                report=told,
                clock=clock,
            )
        history = runs.history(client, run_id).items()
        training = [entry for name, entry in history if name.kind in TRAINING]
        scores = runs.scores(client, run_id, "accuracy")
        return Measured(
            accuracy=scores[max(scores)] or 0.0,
            round_ms=[entry["ms"] for entry in training],
            updates=sum(entry["slaves"] for entry in training),
            pace=1000 * (ends[-1] - ends[0]) / max(1, len(ends) - 1),
        )


@contextmanager
def bench() -> Iterator[Bench]:
    """Start a server in a temporary folder."""
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedServer.open(Path(folder) / "home") as server,
        connect(server.url) as client,
    ):
        yield Bench(client, server.url, Path(folder))
