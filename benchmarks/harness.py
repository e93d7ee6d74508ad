"""Runs to measure, on an embedded server of their own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fedredis.config import RunConfig
from fedredis.connection import connect
from fedredis.data.manifest import read_manifest
from fedredis.embedded import EmbeddedServer
from fedredis.jobs.dispatch import Dispatcher
from fedredis.jobs.pool import WorkerPool
from fedredis.keys import Kind
from fedredis.master import create_run, drive_run
from fedredis.store import runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis import Redis

    from fedredis.rounds import Report

#: The real songs, beside the checkout; without them the songs are synthetic.
SONGS = Path(__file__).resolve().parents[2] / "shared" / "data" / "spotify-decades"


@dataclass(frozen=True)
class Measured:
    """What a run came to."""

    accuracy: float
    weights_sha256: str
    #: Milliseconds of each round of training, from its opening to its commit.
    round_ms: list[float]
    #: Updates counted in training.
    updates: int
    #: Held-out accuracy after each round.
    scores: dict[int, float]


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
        folder = self.folder / f"{slaves}-{seed}-{by.replace(':', '-')}"
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
            slaves=slaves,
            seed=seed,
            **settings,  # type: ignore[arg-type]
        )
        return folder, config

    def run(
        self,
        folder: Path,
        config: RunConfig,
        workers: int,
        *,
        report: Report = lambda label, entry: None,
        module: str = "fedredis.jobs.process",
    ) -> Measured:
        """Train with workers of our own, each of which runs `module`."""
        run_id = create_run(self.client, config)
        with WorkerPool(self.url, folder, workers, module=module) as pool:
            drive_run(
                self.client,
                run_id,
                dispatcher=lambda store, config: Dispatcher(
                    self.client,
                    store,
                    config,
                    own_workers=workers,
                    revive=pool.revive,
                    clock=time.monotonic,
                ),
                report=report,
                clock=time.monotonic,
            )
        state = runs.read(self.client, run_id)
        model = runs.artifact(self.client, run_id, state.model)
        assert model is not None
        history = runs.history(self.client, run_id).items()
        training = [entry for label, entry in history if label.kind is Kind.TRAIN]
        return Measured(
            accuracy=state.score or 0.0,
            weights_sha256=model.sha256,
            round_ms=[entry["ms"] for entry in training],
            updates=sum(entry["slaves"] for entry in training),
            scores=runs.scores(self.client, state),
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
