"""Runs, masters, workers and slaves that work in the test's own process."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis import assembly
from fedredis.codec import Arrays, Schema
from fedredis.config import RunConfig
from fedredis.features.protocol import Column
from fedredis.keys import Kind, Label, RunKeys
from fedredis.master import create_run, drive_run
from fedredis.models.protocol import TrainingSettings
from fedredis.store import runs
from fedredis.store.artifact import Artifact
from fedredis.store.master import MasterStore
from fedredis.store.slave import Packed, SlaveStore
from fedredis.strategies import Global
from fedredis.strategies.local import LocalSlave, LocalWork
from fedredis.update import Update, pack, pack_parts

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Mapping

    from redis import Redis

Snapshot = dict[bytes, Any]


@pytest.fixture(autouse=True)
def hurried_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the disk at a run's end for a moment only; the file is flushed once a second."""
    monkeypatch.setattr("fedredis.store.master.DISK_WAIT_MS", 1)


@pytest.fixture
def make_config() -> Callable[..., RunConfig]:
    """Return a maker of small configs; keywords change fields."""

    def make(**changes: Any) -> RunConfig:
        defaults: dict[str, Any] = {
            "dataset": "pets-3-0123abcd",
            "columns": (Column("size"), Column("age", 0, 30)),
            "classes": ("cat", "dog", "eel"),
            "slaves": 3,
            "rounds": 3,
            "features": "plain",
            "batch_size": 8,
        }
        return RunConfig(**{**defaults, **changes})

    return make


@pytest.fixture
def snapshot() -> Callable[[Redis], Snapshot]:
    """Return a function that copies all that a Redis holds, to compare it with later."""

    def take(client: Redis) -> Snapshot:
        # The fields of a hash come in any order: it may be on its way into a larger table.
        return {
            key: client.hgetall(key) if client.type(key) == b"hash" else client.dump(key)
            for key in client.scan_iter(count=1000)
        }

    return take


@pytest.fixture
def keys(client: Redis, make_config: Callable[..., RunConfig]) -> RunKeys:
    """Write a new run ``r1`` to the real server and return its keys."""
    nothing = Artifact(Schema(()), [])
    runs.create(client, "r1", make_config(), {"preprocessing:0": nothing})
    return RunKeys("r1")


@pytest.fixture
def make_master(client: Redis, keys: RunKeys) -> Callable[[str], MasterStore]:
    """Return a maker of masters of run ``r1`` that have not taken the lease yet."""

    def make(token: str) -> MasterStore:
        return MasterStore(client, keys, token=token, lease_ms=60_000)

    return make


@pytest.fixture
def master(make_master: Callable[[str], MasterStore]) -> MasterStore:
    """Return the first master of run ``r1``, with the lease."""
    store = make_master("first")
    store.acquire()
    return store


@pytest.fixture
def successor(
    client: Redis, keys: RunKeys, master: MasterStore, make_master: Callable[[str], MasterStore]
) -> MasterStore:
    """Return a second master, which took the lease of run ``r1`` after the first's ran out."""
    client.delete(keys.lease)
    store = make_master("second")
    store.acquire()
    return store


@pytest.fixture
def make_slave(client: Redis, keys: RunKeys) -> Callable[[str], SlaveStore]:
    """Return a maker of workers' sides of run ``r1``."""

    def make(worker: str) -> SlaveStore:
        return SlaveStore(client, keys, worker=worker, lease_ms=60_000)

    return make


@dataclass
class Farm:
    """All slaves of a run in this process: as `dispatch`, it claims and submits at once."""

    client: Redis
    run_id: str
    config: RunConfig
    #: Says who takes a claim and never submits.
    absent: Callable[[Label, str], bool] = lambda label, slave: False
    #: Changes arrays on their way to the master.
    spoil: Callable[[Label, str, Arrays], Arrays] = lambda label, slave, arrays: arrays
    #: Called before each submission.
    before: Callable[[Label, str], None] = lambda label, slave: None
    #: Draws the order of arrival; without it slaves arrive in order.
    rng: random.Random | None = None
    dispatched: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = SlaveStore(
            self.client, RunKeys(self.run_id), worker="farm-1", lease_ms=60_000
        )
        self.features = assembly.features_of(self.config)
        self.strategy = assembly.strategy_of(self.config)

    def __call__(self, label: Label, waiting: int, attached: Iterable[str] | None = None) -> None:
        self.dispatched.append((str(label), waiting))
        every = self.config.slaves
        claim = self.store.claim(
            label, (), attached=label.kind, take_any=True, least=every, most=every
        )
        if claim is None:
            return
        fields = self.store.task_of(label)
        slaves = list(claim.slaves)
        if self.rng:
            self.rng.shuffle(slaves)
        for slave in slaves:
            if self.absent(label, slave):
                continue
            self.before(label, slave)
            schema, arrays, samples = self.work(label, slave, fields)
            packing = pack_parts if schema.large else pack
            packed = packing(schema, Update(samples, self.spoil(label, slave, arrays)))
            self.store.submit(claim, [Packed(slave, packed, ())], ())

    def work(
        self, label: Label, slave: str, fields: Mapping[str, str]
    ) -> tuple[Schema, Arrays, int]:
        """Do a slave's part of a round on its 20 to 40 rows; the first 15 are for training."""
        rng = np.random.default_rng([17, int(slave)])
        rows = int(rng.integers(20, 40))
        X, y = rng.normal(10, 3, (rows, len(self.config.columns))), rng.integers(0, 3, rows)
        payload = self._known(fields["payload"])
        if label.kind is Kind.STATISTICS:
            name = fields["pass"]
            return self.features.schema(name), self.features.sums(name, payload, X[:15]), 15
        known = self._known(fields["preprocessing"])
        inputs, model = self.features.transform(known, X), assembly.model_of(self.config, known)
        parameters, measure = list(payload.values()), assembly.measure_of(self.config)
        if label.kind is Kind.EVALUATE:
            sums = measure.sums(model.predict(parameters, inputs[15:]), y[15:])
            return measure.schema(), sums, rows - 15
        schema, last = self.strategy.schema(model), None
        if self.strategy.recalls:
            (last,) = self.store.last_updates(schema, [slave])
        own = np.random.default_rng([self.config.seed, label.number, int(slave)])
        sent = Global(parameters, self._known(fields["state"]) if "state" in fields else {})
        settings = TrainingSettings(**json.loads(fields["settings"]))
        of_slave = [LocalSlave(inputs[:15], y[:15], own, last)]
        (arrays,) = self.strategy.local(LocalWork(model, sent, settings, measure, of_slave))
        return schema, arrays, 15

    def _known(self, name: str) -> dict[str, Any]:
        artifact = self.store.artifact(name)
        assert artifact is not None, f"{name} is gone"
        return artifact.named


@dataclass
class Training:
    """A run on the real server, with its farm, to be driven as often as a test likes."""

    client: Redis
    run_id: str
    config: RunConfig
    farm: Farm
    reported: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def drive(self, report: Callable[[Label, Mapping[str, Any]], None] | None = None) -> None:
        """Drive the run from where it stands; `report` is called after the entry is noted."""

        def note(label: Label, entry: Mapping[str, Any]) -> None:
            self.reported.append((str(label), dict(entry)))
            if report:
                report(label, entry)

        drive_run(
            self.client,
            self.run_id,
            dispatcher=lambda store, config: self.farm,
            report=note,
            clock=time.monotonic,
        )

    def let_lease_end(self) -> None:
        """Do what time does to the lease of a master that is dead."""
        assert self.client.delete(RunKeys(self.run_id).lease) == 1

    @property
    def state(self) -> runs.RunState:
        """Where the run stands."""
        return runs.read(self.client, self.run_id)

    @property
    def history(self) -> dict[str, dict[str, Any]]:
        """What each round came to, by its name."""
        history = runs.history(self.client, self.run_id)
        return {str(label): entry for label, entry in history.items()}

    @property
    def digest(self) -> str:
        """Digest of the newest model's bits."""
        model = runs.artifact(self.client, self.run_id, self.state.model)
        assert model is not None
        return model.sha256


@pytest.fixture
def make_training(
    client: Redis, make_config: Callable[..., RunConfig], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Training]:
    """Return a maker of runs whose slaves are in this process; masters tick 20 times a second."""
    monkeypatch.setattr("fedredis.rounds.TICK", 0.05)

    def make(farm: Mapping[str, Any] | None = None, **changes: Any) -> Training:
        config = make_config(**changes)
        run_id = create_run(client, config)
        return Training(client, run_id, config, Farm(client, run_id, config, **(farm or {})))

    return make
