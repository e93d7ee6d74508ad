"""Reading streams: what came after an entry, blocking until there is something.

Strangers may have written to a stream: one that has the last ids that there are takes no more
entries, so it is removed, and starts anew; so is what is no stream, by those who may write there.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoPermissionError, ResponseError

from fedredis.store.replies import LAST_MS, explain

if TYPE_CHECKING:
    from redis import Redis

#: An entry: its id and its fields.
Entry = tuple[bytes, dict[bytes, bytes]]

#: The id before the first entry.
START = b"0-0"


def tell(client: Redis, stream: str, entry: dict[Any, Any], most: int) -> None:
    """Add an entry to a stream of `most` entries or so."""
    try:
        client.xadd(stream, entry, maxlen=most)
    except ResponseError as error:
        if explain(stream, error) is error:
            raise
        client.unlink(stream)
        client.xadd(stream, entry, maxlen=most)


def reading(stream: str, after: bytes, *, seconds: float, count: int) -> tuple[Any, ...]:
    """Return the command that reads up to `count` entries after one.

    It waits for the first at most for some seconds.
    """
    block = ("BLOCK", max(1, math.ceil(seconds * 1000))) if seconds > 0 else ()
    return ("XREAD", "COUNT", count, *block, "STREAMS", stream, after)


def entries_of(client: Redis, stream: str, answer: Any) -> list[Entry]:
    """Return the entries that such a command has answered.

    Raises
    ------
    FedredisError
        If there is something else, and it is not to be removed by whoever reads.
    """
    if isinstance(answer, ResponseError):
        # A server that changes its role sends away whoever waits: that is no news.
        if not str(answer).startswith("UNBLOCKED"):
            _anew(client, stream, answer)
        return []
    entries: list[Entry] = answer[0][1] if answer else []
    if entries and _poisoned(entries[-1][0]):
        client.unlink(stream)
    return [(id_, entry) for id_, entry in entries if not _poisoned(id_)]


def read(client: Redis, stream: str, after: bytes, *, seconds: float, count: int) -> list[Entry]:
    """Read up to `count` entries after one, waiting for the first at most for some seconds."""
    answer: Any
    try:
        answer = client.execute_command(*reading(stream, after, seconds=seconds, count=count))  # type: ignore[no-untyped-call]
    except ResponseError as error:
        answer = error
    return entries_of(client, stream, answer)


def newest_entries(client: Redis, stream: str, most: int) -> list[Entry]:
    """Read the newest entries, the newest first."""
    try:
        found: Any = client.xrevrange(stream, count=most)
    except ResponseError as error:
        raise explain(stream, error) from error
    return [(id_, entry) for id_, entry in found if not _poisoned(id_)]


def last_id(client: Redis, stream: str) -> bytes:
    """Return the id of the newest entry, to read on from there.

    Raises
    ------
    FedredisError
        As from `entries_of`.
    """
    newest: Any = []
    try:
        newest = client.xrevrange(stream, count=1)
    except ResponseError as error:
        _anew(client, stream, error)
    last: bytes = newest[0][0] if newest else START
    if not _poisoned(last):
        return last
    client.unlink(stream)
    return START


def _anew(client: Redis, stream: str, error: ResponseError) -> None:
    """Remove what is no stream; raise what else is wrong, or a line where that is forbidden."""
    line = explain(stream, error)
    if line is error or type(error) is not ResponseError:
        raise error
    try:
        client.unlink(stream)
    except NoPermissionError:
        raise line from error


def _poisoned(id_: bytes) -> bool:
    return int(id_.partition(b"-")[0]) > LAST_MS
