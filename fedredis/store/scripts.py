"""What is sent to Redis: commands and scripts, many in one round trip.

Scripts are the atomic sections. They are sent by their hash, and loaded when Redis answers that
it does not know one, so a restart or a ``SCRIPT FLUSH`` needs no care. All that goes with an
unknown script is sent again, as it is when an answer is lost: everything here may be delivered
twice. Scripts rather than Redis Functions: a script needs no deployment step and no right to
write functions, and each version of fedredis brings its own.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError, ResponseError

from fedredis.store.replies import explain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from redis import Redis

#: Bytes that are sent, or asked for, at once.
TRIP_BYTES = 4_000_000
#: How often scripts are loaded that the server does not know; it may start anew in between.
MOST_LOADED = 5
#: Milliseconds that a list of parts has to be accepted.
STAGED_MS = 3_600_000


@cache
def source(name: str) -> str:
    """Read the text of ``lua/<name>.lua``, with what all scripts begin with."""
    lua = files("fedredis").joinpath("lua")
    return "".join(
        lua.joinpath(f"{part}.lua").read_text(encoding="utf-8") for part in ("common", name)
    )


@cache
def sha1(name: str) -> str:
    """Return the hash by which a script is called."""
    return hashlib.sha1(source(name).encode(), usedforsecurity=False).hexdigest()


class Batch:
    """Commands in order, in one round trip; in several where they are large.

    `where` says what they are about, for the line if Redis finds something else there.
    """

    def __init__(self, client: Redis, where: str) -> None:
        self._client, self._where = client, where
        self._pending: list[tuple[Any, ...]] = []
        self._scripts: set[str] = set()
        self._size = 0
        #: Whether what is pending begins in the midst of a list.
        self._midway = False
        self._replies: list[Any] = []

    def add(self, *command: Any) -> int:
        """Add a command; return the place of its reply."""
        self._pending.append(command)
        self._size += sum(len(word) for word in command if isinstance(word, bytes))
        return len(self._replies) + len(self._pending) - 1

    def script(self, name: str, keys: Sequence[str], args: Sequence[Any]) -> int:
        """Add a script; return the place of its reply."""
        self._scripts.add(name)
        return self.add("EVALSHA", sha1(name), len(keys), *keys, *args)

    def stage(self, key: str, parts: Iterable[bytes]) -> int:
        """Write a list of parts anew, which a script is to move; return how many there are.

        A large one goes part after part, so that few are in memory. What Redis loses of it on
        the way is not written again: the list is shorter then, and whoever is told the number
        does not accept it.
        """
        if self._midway:
            # What is sent again goes on from where a list was, which this one may change.
            self._send()
        count, group, size = 0, list[bytes](), self._size
        for part in parts:
            if size and size + len(part) > TRIP_BYTES:
                count += self._stage(key, count, group)
                self._send()
                group, size = [], 0
            group.append(part)
            size += len(part)
        return count + self._stage(key, count, group)

    def _stage(self, key: str, before: int, group: Sequence[bytes]) -> int:
        if group:
            self._midway = before > 0
            self.script("stage", [key], [before, STAGED_MS, *group])
        return len(group)

    def run(self, *, errors: bool = False) -> list[Any]:
        """Send what has been added; return all replies, errors among them if that is asked for.

        Raises
        ------
        FedredisError
            If something in Redis is not what fedredis writes there.
        """
        self._send(errors=errors)
        return self._replies

    def _send(self, *, errors: bool = False) -> None:
        try:
            replies = self._known(errors=errors)
        except ResponseError as error:
            raise explain(self._where, error) from error
        self._replies += replies
        self._pending, self._size, self._midway = [], 0, False

    def _once(self, *, errors: bool) -> list[Any]:
        with self._client.pipeline(transaction=False) as pipeline:
            for command in self._pending:
                pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
            return pipeline.execute(raise_on_error=not errors)

    def _known(self, *, errors: bool) -> list[Any]:
        """Send what is pending; where a script is not known, load all, and send it again."""
        for left in reversed(range(MOST_LOADED)):
            try:
                replies = self._once(errors=errors)
                if not any(isinstance(reply, NoScriptError) for reply in replies):
                    break
            except NoScriptError:
                if not left:
                    raise
            for name in sorted(self._scripts):
                self._client.script_load(source(name))
        return replies


def ask(client: Redis, where: str, *command: Any) -> Any:
    """Send one command; return its reply."""
    batch = Batch(client, where)
    batch.add(*command)
    return batch.run()[0]


def call(client: Redis, where: str, name: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
    """Call one script; return its reply."""
    batch = Batch(client, where)
    batch.script(name, keys, args)
    return batch.run()[0]
