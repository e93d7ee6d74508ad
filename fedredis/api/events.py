"""What happens in a run, as it happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedredis.keys import RunKeys
from fedredis.store.replies import fields
from fedredis.store.streams import START, last_id, newest_entries, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis

#: Events that are read at once.
MOST = 1000


@dataclass(frozen=True)
class RunEvent:
    """An entry of a run's event stream; ``docs/schema.md`` lists the types."""

    #: Where to read on; its first part is when it happened, in milliseconds since 1970.
    id: str
    #: Its fields, ``type`` among them.
    fields: dict[str, str]


def newest(client: Redis, run: str) -> str:
    """Return the id of a run's newest event, to read on from there."""
    return last_id(client, RunKeys(run).events).decode()


def since(
    client: Redis, run: str, after: str = START.decode(), *, seconds: float = 0.0
) -> Sequence[RunEvent]:
    """Read what happened after an event; block until there is something, at most some seconds."""
    found = read(client, RunKeys(run).events, after.encode(), seconds=seconds, count=MOST)
    return [RunEvent(id_.decode(), fields(entry)) for id_, entry in found]


def latest(client: Redis, run: str, most: int) -> Sequence[RunEvent]:
    """Read the newest events of a run, the newest first."""
    found = newest_entries(client, RunKeys(run).events, most)
    return [RunEvent(id_.decode(), fields(entry)) for id_, entry in found]
