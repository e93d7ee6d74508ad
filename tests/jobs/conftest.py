"""A partition folder of four slaves, a run over it, and workers in the test's own process."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis.arrays import Schema, blob
from fedredis.config import RunConfig
from fedredis.connection import connect
from fedredis.data.cut import write_partitions
from fedredis.data.partition import open_partition
from fedredis.data.reading import Reading
from fedredis.data.table import Table
from fedredis.exchanges import Setup
from fedredis.exchanges.here import drive
from fedredis.features.protocol import Column
from fedredis.jobs.context import WorkerContext
from fedredis.jobs.inputs import Folder, Inputs
from fedredis.jobs.worker import make_card
from fedredis.keys import RoundName, RunKeys
from fedredis.rounds.master import create_run
from fedredis.store import runs
from fedredis.store.master import MasterStore
from fedredis.store.turns import Opening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from redis import Redis

    from fedredis.arrays import Named
    from fedredis.data.manifest import Manifest
    from fedredis.embedded import EmbeddedServer
    from fedredis.store.turns import Opened


@pytest.fixture(autouse=True)
def hurried_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the disk at a run's end for a moment only; the file is flushed once a second."""
    monkeypatch.setattr("fedredis.store.master.DISK_WAIT_MS", 1)


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the test's process its signal handlers back, which RQ replaces."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that `manifest` has filled."""
    return tmp_path / "partitions"


@pytest.fixture
def manifest(folder: Path) -> Manifest:
    """Cut 103 rows of two columns and three classes among four slaves."""
    rng = np.random.default_rng(5)
    X = np.column_stack([rng.normal(100, 20, 103), rng.uniform(0, 30, 103)])
    columns = (Column("size"), Column("age", 0, 30))
    classes = ("cat", "dog", "eel")
    table = Table(
        X, rng.integers(0, 3, 103), columns, classes, Reading(label="kind"), "Some Pets.csv"
    )
    return write_partitions(table, folder, 4, seed=1, test_fraction=0.2)


@pytest.fixture
def make_config(manifest: Manifest) -> Callable[..., RunConfig]:
    """Return a maker of configs of runs over the folder."""

    def make(**changes: Any) -> RunConfig:
        defaults: dict[str, Any] = {
            "dataset": manifest.dataset,
            "columns": manifest.columns,
            "classes": manifest.classes,
            "slaves": 4,
            "rows": manifest.rows,
            "rounds": 4,
            "features": "plain",
            "attempts": 2,
        }
        return RunConfig(**{**defaults, **changes})

    return make


@pytest.fixture
def keys(client: Redis, make_config: Callable[..., RunConfig]) -> RunKeys:
    """Write a run over the folder to the real server."""
    return RunKeys(create_run(client, make_config()))


@pytest.fixture
def master(client: Redis, keys: RunKeys) -> MasterStore:
    """Return the run's master, with the lease."""
    store = MasterStore(client, keys, token="me", lease_ms=60_000)
    store.acquire()
    return store


@pytest.fixture
def make_context(client: Redis, folder: Path, manifest: Manifest) -> Callable[..., WorkerContext]:
    """Return a maker of what a worker of the folder has at hand."""

    def make(**changes: Any) -> WorkerContext:
        given: dict[str, Any] = {
            "client": client,
            "card": make_card(Folder(folder, manifest)),
            "inputs": Inputs(Folder(folder, manifest)),
            "stopping": lambda: False,
            "others_wait": lambda run_id: False,
        }
        return WorkerContext(**{**given, **changes})

    return make


def open_round(
    master: MasterStore, text: str = "statistics:1", slaves: Any = None, **changes: Any
) -> Opened:
    """Open a round for all four slaves, or some; what is trained and tested is ``model:1``."""
    name, known = RoundName.parse(text), {"known": "preprocessing:0"}
    asked = 4 if slaves is None else len(slaves)
    if name.kind != "statistics":
        known = {"known": "preprocessing:9", "model": "model:1"}
    given = {"expected": asked, "quorum": asked, "timeout_ms": 60_000, "attempts": 2}
    config = runs.read(master._client, master.keys.run_id).config
    given |= {"task": {"config": config.digest.hex()}}
    job = "statistics" if name.kind == "statistics" else "train"
    (opened,) = master.turn([], [Opening(name, job, slaves, reads=known, **given | changes)])
    return opened


def write(client: Redis, keys: RunKeys, name: str, named: Named) -> None:
    """Write arrays by name, as a master does."""
    schema = Schema.of(named)
    client.rpush(keys.parts(name), *blob.pack(schema, list(named.values()), schema.about))
    client.hset(keys.artifact(name), mapping={"schema": schema.to_json(), "version": "0"})


@pytest.fixture
def write_artifact() -> Callable[..., None]:
    """Return a function that writes arrays by name, as a master does."""
    return write


@pytest.fixture
def learnt(
    client: Redis, keys: RunKeys, folder: Path, manifest: Manifest, make_config: Any
) -> None:
    """Write what rounds of training and testing go by."""
    rows = {str(i): open_partition(folder, i, manifest) for i in range(4)}
    ended = drive(Setup(make_config(rounds=1)), rows)
    for name, there in (("preprocessing:9", ended.preprocessing), ("model:1", ended.model)):
        write(client, keys, name, ended.artifacts[there])


@pytest.fixture
def rq_client(server: EmbeddedServer) -> Iterator[Redis]:
    """Return a client for RQ's own keys, which RQ sets up as it likes."""
    with connect(server.url) as connected:
        yield connected
