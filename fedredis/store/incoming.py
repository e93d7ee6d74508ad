"""The bundles of open rounds, as a master fetches them: small ones many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from fedredis.keys import BUNDLE
from fedredis.store.artifact import rest
from fedredis.store.charge import Charge
from fedredis.store.replies import explain, text, texts
from fedredis.store.scripts import TRIP_BYTES, Batch, ask

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from redis import Redis

    from fedredis.keys import RoundName, RunKeys

#: A bundle: its round, its name, its parts.
Fetched = tuple["RoundName", str, "Iterator[bytes]"]

#: Bundles that are asked for at once, at most.
MOST_AT_ONCE = 1000


class Incoming:
    """What has come in for the rounds of a run."""

    def __init__(self, client: Redis, keys: RunKeys) -> None:
        self._client, self._keys, self._where = client, keys, f"run {keys.run_id}"
        #: Names of bundles by round, in order of arrival.
        self._names: dict[RoundName, list[str]] = {}
        #: How many bytes the largest of a kind of round has had so far.
        self._sizes: dict[str, int] = {}
        #: What of a round's bundles was listed, and is still to be fetched.
        self._listed: dict[RoundName, list[bytes]] = {}

    def names(self, name: RoundName) -> list[str]:
        """List the bundles of a round that have been fetched."""
        return self._names.get(name, [])

    def refused(self, name: RoundName, called: str) -> None:
        """Forget a bundle, so that one of its name may come again."""
        known = self._names.get(name, [])
        known[:] = [one for one in known if one != called]

    def forget(self, name: RoundName) -> None:
        """Forget the names of a round."""
        self._names.pop(name, None)

    def inside(self, name: RoundName) -> dict[bytes, bytes]:
        """Look up who is in, and in which bundle."""
        key = self._keys.round(name).inside
        found: dict[bytes, bytes] = ask(self._client, self._where, "HGETALL", key)
        return found

    def listing(self, name: RoundName, start: int) -> tuple[Any, ...]:
        """Return the command that lists a round's bundles from an index on.

        The last one that is known comes again, which shows that it is still there.
        """
        return ("LRANGE", self._keys.round(name).bundles, max(0, start - 1), -1)

    def note(self, name: RoundName, start: int, listed: list[bytes]) -> bool:
        """Note what that command has answered, until they are fetched; tell if some are new."""
        self._listed.pop(name, None)
        if len(listed) <= min(start, 1):
            return False
        self._listed[name] = listed
        return True

    def bundles(self, starts: Mapping[RoundName, int]) -> Iterator[Fetched]:
        """Fetch bundles of rounds from an index on; those that were not noted are listed first.

        Raises
        ------
        StateLostError
            If the one before is not there any more.
        """
        wanted: list[tuple[RoundName, str]] = []
        for name, start in starts.items():
            new = self._listed.pop(name, None)
            if new is None:
                new = ask(self._client, self._where, *self.listing(name, start))
            wanted += [(name, called) for called in self._to_fetch(name, start, new)]
        return self._fetch(wanted)

    def _to_fetch(self, name: RoundName, start: int, new: Sequence[bytes]) -> list[str]:
        """Return the names of the bundles to fetch, of those listed.

        What comes a second time, or has no bundle's name, is left out, and taken off the list.
        """
        key = self._keys.round(name).bundles
        known = self._names.setdefault(name, [])
        known[start:] = []
        if known and texts(new[:1]) != known[-1:]:
            raise Charge(self._where).lost("bundles that have been counted are gone")
        seen = set(known)
        for raw in new[1:] if known else new:
            called = text(raw)
            # Anybody who may hand in can write to the list.
            if not BUNDLE.fullmatch(called):
                ask(self._client, self._where, "LREM", key, 0, raw)
            elif called in seen:
                ask(self._client, self._where, "LREM", key, -1, raw)
            else:
                known.append(called)
                seen.add(called)
        return known[start:]

    def _fetch(self, wanted: Sequence[tuple[RoundName, str]]) -> Iterator[Fetched]:
        """Fetch bundles: for each its round, its name and its parts."""
        left = list(wanted)
        while left:
            some: list[tuple[RoundName, str]] = []
            size = 0
            for name, called in left[:MOST_AT_ONCE]:
                # How large they are is known by the first one.
                size += self._sizes.get(name.kind, TRIP_BYTES)
                if some and size > TRIP_BYTES:
                    break
                some.append((name, called))
            left = left[len(some) :]
            yield from self._together(some)

    def _together(self, some: Sequence[tuple[RoundName, str]]) -> Iterator[Fetched]:
        batch = Batch(self._client, self._where)
        keys = [self._keys.round(name).bundle(called) for name, called in some]
        for key in keys:
            batch.add("LLEN", key)
            batch.add("LRANGE", key, 0, 1)
        replies = iter(batch.run(errors=True))
        for key, (name, called) in zip(keys, some, strict=True):
            length, first = self._sound(next(replies), 1), self._sound(next(replies), [b""])
            size = max(1, sum(map(len, first)))
            self._sizes[name.kind] = max(self._sizes.get(name.kind, 0), size)
            yield name, called, rest(self._client, key, length, first)

    def _sound(self, reply: Any, otherwise: Any) -> Any:
        """Take what is no list as one part without a head, which is no blob."""
        if not isinstance(reply, ResponseError):
            return reply
        if explain(self._where, reply) is reply:
            raise reply
        return otherwise
