"""Whole runs on a real server, whose slaves work in the test's own process."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from fedredis.exchanges import make
from fedredis.exchanges.here import Here, drive
from fedredis.keys import RunKeys
from fedredis.rounds.master import create_run, drive_run
from fedredis.store import runs
from fedredis.store.replies import reads_of
from fedredis.store.slave import Ask, Handed, SlaveStore
from tests.fedredis.exchanges.conftest import rows_of, setup_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Collection, Mapping

    from redis import Redis

    from fedredis.arrays import Bundle
    from fedredis.exchanges import Exchange, Rows, Setup
    from fedredis.keys import RoundName
    from fedredis.store.slave import Claim


@pytest.fixture(autouse=True)
def hurried_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the disk at a run's end for a moment only; the file is flushed once a second."""
    monkeypatch.setattr("fedredis.store.master.DISK_WAIT_MS", 1)


@dataclass
class Farm:
    """A worker for all slaves of a run: as `dispatch`, it works at once, and leaves."""

    client: Redis
    run_id: str
    setup: Setup
    rows: Mapping[str, Rows]
    #: Draws who works first, and beside whom; without it all come at once, in order.
    rng: random.Random | None = None
    #: Changes bundles on their way.
    spoil: Callable[[RoundName, Bundle], Bundle] = lambda name, bundle: bundle
    #: Says who is claimed, and never comes back.
    absent: Callable[[RoundName, str], bool] = lambda name, slave: False
    #: Called again and again, before each step.
    step: Callable[[], None] = lambda: None
    dispatched: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        keys = RunKeys(self.run_id)
        self.store = SlaveStore(self.client, keys, worker="farm-1", lease_ms=60_000, alone=None)

    workers = 0

    def __call__(
        self, name: RoundName, job: str, waiting: int, attached: Collection[str] = ()
    ) -> None:
        self.dispatched.append((str(name), waiting))
        while (claim := self._claim(name, job)) and claim.slaves and self._work(claim):
            self.step()
        self.store.detach(job)

    def _claim(self, name: RoundName, job: str) -> Claim | None:
        self.step()
        wishes, most = list(self.setup.config.slave_ids), self.setup.config.slaves
        if self.rng:
            self.rng.shuffle(wishes)
            most = self.rng.randint(1, most)
        ask = Ask(name, job, wishes, take_any=False, least=most, most=most, with_task=True)
        return self.store.visit([], [ask]).claims[0]

    def _work(self, claim: Claim) -> bool:
        """Say whether anything came of it: who is absent is given again and again."""
        read = {
            role: self.store.artifact(*artifact) for role, artifact in reads_of(claim.task).items()
        }
        exchange: Exchange = make(self.setup, claim.name, read)
        there = Here(self.rows, slaves=claim.slaves)
        schema = exchange.remembers
        if schema:
            found = self.store.memories(claim.slaves, claim.name.number, schema)
            there._memories = {s: m for s, m in zip(claim.slaves, found, strict=True) if m}
        updates = exchange.local(there)
        at = [i for i, s in enumerate(updates.slaves) if not self.absent(claim.name, s)]
        updates = updates.take(at)
        memories = dict(zip(updates.slaves, updates.memories, strict=False))
        for bundle in exchange.rule.bundles(updates):
            kept = [memories[slave] for slave in bundle.slaves] if schema else ()
            sent = self.spoil(claim.name, bundle)
            handed = Handed(claim, sent, exchange.rule.schema, kept, schema)
            self.step()
            self.store.visit([handed], [])
        return bool(at)


@dataclass
class Training:
    """A run on the real server, with its farm, to be driven as often as a test likes."""

    client: Redis
    setup: Setup
    farm: Farm
    #: What its master holds the lease with from the beginning; empty to take it when it drives.
    holder: str = ""
    reported: list[str] = field(default_factory=list)

    def drive(self, report: Callable[[RoundName, Any], None] = lambda name, entry: None) -> None:
        """Drive the run from where it stands; `report` is called after a round is noted."""

        def note(name: RoundName, entry: Any) -> None:
            self.reported.append(str(name))
            report(name, entry)

        drive_run(
            self.client,
            self.run_id,
            dispatcher=lambda store, config: self.farm,
            report=note,
            clock=time.monotonic,
            token=self.holder,
        )

    @property
    def run_id(self) -> str:
        return self.farm.run_id

    @property
    def keys(self) -> RunKeys:
        return RunKeys(self.run_id)

    def let_lease_end(self) -> None:
        """Do what time does to the lease of a master that is dead."""
        self.client.delete(self.keys.lease)

    @property
    def state(self) -> runs.RunState:
        """Where the run stands."""
        return runs.read(self.client, self.run_id)

    @property
    def history(self) -> dict[str, dict[str, Any]]:
        """What each round came to but for the time it took, by its name."""
        history = runs.history(self.client, self.run_id)
        for entry in history.values():
            del entry["ms"]
        return {str(name): entry for name, entry in history.items()}

    @property
    def bits(self) -> list[bytes]:
        """The bits of the newest model."""
        model = runs.artifact(self.client, self.run_id, self.state.model)
        assert model is not None
        return [array.tobytes() for array in model.values()]

    def expected(self) -> list[bytes]:
        """The bits that the model should have: those of a run in one process."""
        progress = drive(self.setup, self.farm.rows)
        return [array.tobytes() for array in progress.artifacts[progress.model].values()]

    def assert_as_undisturbed(self) -> None:
        """See that the run has ended as it should, and leaves nothing of its rounds behind."""
        assert (self.state.status, self.state.error) == ("finished", "")
        assert self.bits == self.expected()
        history = self.history
        numbers = [name.split(":") for name in history]
        trained = sorted(int(number) for kind, number in numbers if kind == "train")
        # Of trees a round is one for each of their levels.
        trained += sorted({told["round"] for name, told in history.items() if "grow" in name})
        tested = sorted(int(number) for kind, number in numbers if kind == "evaluate")
        assert trained == tested == list(range(1, self.state.round + 1))
        left = list(self.client.scan_iter(f"{self.keys.run}:round:*"))
        assert all(self.client.pttl(key) > 0 for key in left), left
        assert not self.client.exists(self.keys.open, self.keys.lease)


@pytest.fixture
def make_training(client: Redis, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Training]:
    """Return a maker of runs; masters tick 50 times a second. `farm` sets how slaves work."""
    monkeypatch.setattr("fedredis.rounds.engine.TICK", 0.02)

    def make_(
        slaves: int = 4, farm: Mapping[str, Any] | None = None, holder: str = "", **changes: Any
    ) -> Training:
        rows = rows_of(slaves)
        setup = setup_of(rows, **{"rounds": 3, "attempts": 2, "lease_ms": 60_000, **changes})
        run_id = create_run(client, setup.config, holder=holder)
        return Training(client, setup, Farm(client, run_id, setup, rows, **(farm or {})), holder)

    return make_
