"""Reading streams: what came after an entry, blocking until there is something."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

if TYPE_CHECKING:
    from redis import Redis

#: An entry: its id and its fields.
Entry = tuple[bytes, dict[bytes, bytes]]

#: The id before the first entry.
START = b"0-0"


def read(client: Redis, stream: str, after: bytes, *, seconds: float, count: int) -> list[Entry]:
    """Read up to `count` entries after one, waiting for the first at most for some seconds."""
    block = max(1, math.ceil(seconds * 1000)) if seconds > 0 else None
    try:
        answer: Any = client.xread({stream: after}, count=count, block=block)
    except ResponseError as error:
        # A server that changes its role sends away whoever waits: that is no news.
        if not str(error).startswith("UNBLOCKED"):
            raise
        return []
    entries: list[Entry] = answer[0][1] if answer else []
    return entries


def last_id(client: Redis, stream: str) -> bytes:
    """Return the id of the newest entry, to read on from there."""
    newest: Any = client.xrevrange(stream, count=1)
    last: bytes = newest[0][0] if newest else START
    return last
