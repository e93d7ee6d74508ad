"""What all routes share: the Redis, where things are, models that were read."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from flask import current_app

from fedredis.api.inspection import count_runs, read_runs
from fedredis.api.preparation import Rows
from fedredis.api.trained.prediction import read_trained
from fedredis.api.trained.songs import Songs
from fedredis.config import check_name
from fedredis.data.reading import Reading
from fedredis.errors import UsageError
from fedredis.store.runs import read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from redis import Redis

    from fedredis.api.session import Session
    from fedredis.api.trained.prediction import Trained
    from fedredis.config import RunConfig
    from fedredis.store.runs import RunState
    from fedredis.web.launches import Launches

#: Runs that are read at once, looking for one.
AT_ONCE = 50
#: Models, and tables of songs, that are kept.
MODELS, TABLES = 16, 2


@dataclass(frozen=True, eq=False)
class Site:
    """What a page is made from."""

    session: Session
    #: The Redis as it was given, if it was.
    redis_url: str | None
    home: Path
    #: The password, or token; empty if nobody has to log in.
    secret: str
    launches: Launches
    models: Models = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "models", Models(self.client))

    @property
    def client(self) -> Redis:
        """The one client of all requests."""
        return self.session.client


def site() -> Site:
    """Return the site whose request is served."""
    return cast("Site", current_app.extensions["fedredis"])


class Models:
    """Models and songs, read once."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        # By when it began, too: a run that was removed may come again by its name.
        self._trained = lru_cache(MODELS)(lambda run, *_: read_trained(client, run))
        self._songs = lru_cache(TABLES)(lambda key: Songs.of(Rows(None, Reading()), key.config))

    def usable(self) -> Iterator[RunState]:
        """List the finished runs that have a model, newest first."""
        for first in range(0, count_runs(self._client), AT_ONCE):
            for state in read_runs(self._client, first, first + AT_ONCE - 1):
                if state.status == "finished" and state.chosen and not state.config.analysis:
                    yield state

    def choose(self, run: str | None) -> RunState:
        """Look a run up, the newest finished one if none is named.

        Raises
        ------
        UsageError
            If there is none.
        """
        if run:
            return read(self._client, check_name(run, "run"))
        for state in self.usable():
            return state
        raise UsageError("no run is finished yet: there is no model to predict with")

    def trained(self, state: RunState) -> Trained:
        """Fetch the model of a run; raises FedredisError if it has none yet."""
        return self._trained(state.run, state.started, state.chosen)

    def songs(self, config: RunConfig) -> Songs:
        """Read the rows that a run was made of; raises UsageError if they are not at hand."""
        return self._songs(_Source(config))


class _Source:
    """A config, equal to those that read the same rows."""

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        drawn = config.seed if config.source == "synthetic" else None
        reading = repr(config.reading)  # which may hold lists
        self._key = (config.source, config.columns, config.classes, reading, drawn)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Source) and self._key == other._key
