"""A run as a worker sees it: its config, its model, and the artifacts that its rounds name."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fedredis import features, models
from fedredis.config import RunConfig
from fedredis.errors import FedredisError
from fedredis.store.slave import SlaveStore

if TYPE_CHECKING:
    from redis import Redis

    from fedredis.features.protocol import Features, Known
    from fedredis.keys import RunKeys
    from fedredis.models.protocol import Model

#: How many artifacts to keep in memory: the newest model, the one under test, the preprocessing.
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
    model: Model
    _artifacts: OrderedDict[str, Known] = field(default_factory=OrderedDict)

    @classmethod
    def open(cls, client: Redis, keys: RunKeys, worker: str) -> RunView:
        """Read a run's config.

        Raises
        ------
        RunNotFoundError
            If there is no such run.
        """
        store = SlaveStore(client, keys, worker=worker, lease_ms=RunConfig.lease_ms)
        config = RunConfig.from_json(store.config())
        store = SlaveStore(client, keys, worker=worker, lease_ms=config.lease_ms)
        feature_map = features.make(config.features, config.columns)
        model = models.make(config.model, feature_map.width, len(config.classes))
        return cls(keys.run_id, config, store, feature_map, model)

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
            if len(self._artifacts) > ARTIFACTS_KEPT:
                self._artifacts.popitem(last=False)
        self._artifacts.move_to_end(name)
        return self._artifacts[name]
