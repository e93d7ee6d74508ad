"""What a master hears of a run: its events, in order, and how the open rounds stand then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from fedredis.store.replies import explain, fields, text
from fedredis.store.scripts import Batch
from fedredis.store.streams import entries_of, last_id, reading
from fedredis.store.turns import Event, Heard

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from redis import Redis

    from fedredis.keys import RoundName, RunKeys
    from fedredis.store.incoming import Incoming

#: The events that a master acts upon.
FOR_MASTERS = ("arrived", "closed", "failed", "stop")


class News:
    """The events of a run, each heard once, from the newest of when it is first asked on."""

    def __init__(self, client: Redis, keys: RunKeys, incoming: Incoming) -> None:
        self._client, self._keys, self._where = client, keys, f"run {keys.run_id}"
        self._incoming = incoming
        #: The last event that was read, and those that were read before they were asked for.
        self._cursor: bytes | None = None
        self._early: list[Event] = []

    def asking(self, seconds: float = 0) -> tuple[Any, ...]:
        """Return the command that reads on, and waits at most for some seconds."""
        if self._cursor is None:
            self._cursor = last_id(self._client, self._keys.events)
        return reading(self._keys.events, self._cursor, seconds=seconds, count=1000)

    def keep(self, answer: Any, over: Collection[str]) -> None:
        """Keep what that command has answered until `hear`, but for rounds that are over."""
        self._early += [event for event in self._told(answer) if event.round not in over]

    def hear(self, seconds: float, fetched: Mapping[RoundName, int]) -> Heard:
        """Block until something has happened since it was last asked, at most for some seconds.

        `fetched` says of each round to tell of how many of its bundles are known. How they stand
        is looked up in the same trip, after what happened.
        """
        batch = Batch(self._client, self._where)
        told = batch.add(*self.asking(0 if self._early else seconds))
        looked = {}
        for name, start in fetched.items():
            # The state first: of a round that is closed by then, all bundles are listed.
            state = batch.add("HGET", self._keys.round(name).round, "state")
            looked[name] = state, batch.add(*self._incoming.listing(name, start))
        replies = batch.run(errors=True)
        if broken := next((r for r in replies[1:] if isinstance(r, ResponseError)), None):
            raise explain(self._where, broken) from broken
        events, self._early = self._early + self._told(replies[told]), []
        arrived = [
            name
            for name, (_, listed) in looked.items()
            if self._incoming.note(name, fetched[name], replies[listed])
        ]
        states = {name: text(replies[state] or b"") for name, (state, _) in looked.items()}
        return Heard(events, states, arrived)

    def _told(self, answer: Any) -> list[Event]:
        entries = entries_of(self._client, self._keys.events, answer)
        if entries:
            self._cursor = entries[-1][0]
        named = (fields(entry) for _, entry in entries)
        events = [
            Event(*(told.get(about, "") for about in ("type", "round", "slave"))) for told in named
        ]
        return [event for event in events if event.type in FOR_MASTERS]
