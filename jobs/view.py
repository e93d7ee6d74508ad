"""A run as a worker sees it: its config, its model, and the artifacts that its rounds name."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fedredis import assembly
from fedredis.config import RunConfig
from fedredis.errors import FedredisError
from fedredis.store.slave import SlaveStore

if TYPE_CHECKING:
    from collections.abc import Collection

    from redis import Redis

    from fedredis.features.protocol import Features, Known
    from fedredis.keys import RunKeys
    from fedredis.metrics import Measure
    from fedredis.models.protocol import Model
    from fedredis.strategies import Strategy

#: How many artifacts to keep in memory: the newest model, the one under test, the preprocessing;
#: and the strategy's state, if it is sent.
ARTIFACTS_KEPT = 3


class ArtifactGoneError(FedredisError):
    """What the round works on is gone: the round is over."""


@dataclass
class RunView:
    """A run's frozen side, and a small cache of its artifacts by name."""

    run_id: str
    config: RunConfig
    store: SlaveStore
    features: Features
    strategy: Strategy
    measure: Measure
    #: The models of users' own that this worker may import.
    models: Collection[str] = ()
    _artifacts: OrderedDict[str, Known] = field(default_factory=OrderedDict)

    @classmethod
    def open(
        cls, client: Redis, keys: RunKeys, worker: str, models: Collection[str] = ()
    ) -> RunView:
        """Read a run's config.

        Raises
        ------
        RunNotFoundError
            If there is no such run.
        """
        store = SlaveStore(client, keys, worker=worker, lease_ms=RunConfig.lease_ms)
        config = RunConfig.from_json(store.config())
        store = SlaveStore(client, keys, worker=worker, lease_ms=config.lease_ms)
        return cls(
            keys.run_id,
            config,
            store,
            assembly.features_of(config),
            assembly.strategy_of(config),
            assembly.measure_of(config),
            models,
        )

    def model(self, known: Known) -> Model:
        """Make the run's model, given what the features know.

        Raises
        ------
        UsageError
            If it is one of the user's own that is not allowed here, or can't be made.
        """
        return assembly.model_of(self.config, known, self.models)

    def artifact(self, name: str) -> Known:
        """Fetch the named arrays of an artifact, or take them from memory.

        Raises
        ------
        ArtifactGoneError
            If it is not in Redis any more.
        """
        if name not in self._artifacts:
            artifact = self.store.artifact(name)
            if artifact is None:
                raise ArtifactGoneError(f"{name} is gone")
            self._artifacts[name] = artifact.named
            if len(self._artifacts) > ARTIFACTS_KEPT + self.strategy.sends_state:
                self._artifacts.popitem(last=False)
        self._artifacts.move_to_end(name)
        return self._artifacts[name]
