"""A run as a worker sees it: its setup, and the arrays that its rounds read."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from fedredis.config import RunConfig
from fedredis.errors import BlobError, RunReplacedError
from fedredis.exchanges import Setup, job_of, make
from fedredis.exchanges.plan import Progress
from fedredis.exchanges.plans import following, plan_of
from fedredis.store.replies import reads_of
from fedredis.store.slave import SlaveStore

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from redis import Redis

    from fedredis.arrays import Named
    from fedredis.exchanges import Exchange
    from fedredis.exchanges.plan import Plan
    from fedredis.jobs.claims import Known
    from fedredis.keys import RoundName, RunKeys

#: How many artifacts to keep in memory: two models, the preprocessing, the strategy's state; and
#: of masks the channel keys, the letters and the sets of two sums.
ARTIFACTS_KEPT = 10
#: What of a round's artifacts is new in each, and has a name that follows from the round's.
OF_THE_ROUND = {"model", "state", "inside"}


@dataclass
class RunView:
    """A run's frozen side, and the newest of its artifacts by name and version."""

    run_id: str
    setup: Setup
    store: SlaveStore
    #: Which slaves this worker has claimed together; see `Claims`.
    known: Known = field(default_factory=dict)
    _artifacts: OrderedDict[tuple[str, str], Named] = field(default_factory=OrderedDict)

    @classmethod
    def open(
        cls,
        client: Redis,
        keys: RunKeys,
        worker: str,
        *,
        alone: str | None,
        models: Collection[str] = (),
    ) -> RunView:
        """Read a run's config.

        `alone` is the slave that the worker acts for, if it is only one; `models` are those of
        users' own that it may import.

        Raises
        ------
        RunNotFoundError
            If there is no such run.
        """
        store = SlaveStore(client, keys, worker=worker, lease_ms=RunConfig.lease_ms, alone=alone)
        config = RunConfig.from_json(store.config())
        store = SlaveStore(client, keys, worker=worker, lease_ms=config.lease_ms, alone=alone)
        return cls(keys.run_id, Setup(config, models, keys.run_id), store)

    @cached_property
    def _plan(self) -> Plan:
        return plan_of(self.setup)

    @property
    def config(self) -> RunConfig:
        """What the run is asked to do."""
        return self.setup.config

    def job_of(self, name: RoundName) -> str:
        """Tell which jobs serve a round."""
        return job_of(self.setup, name)

    def exchange(self, name: RoundName, task: Mapping[str, str]) -> Exchange:
        """Make what a round is for, given the fields of its task.

        Raises
        ------
        ArtifactGoneError
            If what it reads is gone, or of another version: the round is over.
        BlobError
            If the task can't be read, or somebody else has changed the run's config.
        RunNotFoundError
            If the run is gone.
        RunReplacedError
            If there is another run by this name.
        UsageError
            If the run's model is one of a user's own that is not allowed here, or can't be made.
        """
        reads = reads_of(task)
        if task.get("config") != self.config.digest.hex():
            if RunConfig.from_json(self.store.config()).digest != self.config.digest:
                raise RunReplacedError(f"run {self.run_id} is another one by now")
            raise BlobError(f"run {self.run_id} has another config than its master goes by")
        given = {role: self._artifact(*artifact) for role, artifact in reads.items()}
        return make(self.setup, name, given)

    def following(self, names: Sequence[RoundName]) -> list[RoundName]:
        """Name the rounds that likely follow some, in order."""
        return following(self.setup, names)

    def likely(self, name: RoundName) -> set[str]:
        """Name what a round will likely read that is not in memory: its task is not known yet."""
        there = {known for known, _ in self._artifacts}
        reads = self._plan.reads(name, Progress())
        return {reads[role] for role in OF_THE_ROUND & reads.keys()} - there - {""}

    def keep(self, artifacts: Mapping[tuple[str, str], Named]) -> None:
        """Keep artifacts in memory, and the newest only."""
        self._artifacts |= artifacts
        while len(self._artifacts) > ARTIFACTS_KEPT:
            self._artifacts.popitem(last=False)

    def _artifact(self, name: str, version: str) -> Named:
        """Fetch an artifact, or take it from memory if that is what the master speaks of."""
        key = (name, version)
        if key not in self._artifacts:
            self.keep({key: self.store.artifact(name, version)})
        self._artifacts.move_to_end(key)
        return self._artifacts[key]
