"""Blobs too large for one value: lists of parts, written beside their place and moved there.

Redis holds values of 512 MB at most, and a script that is handed a large one copies it twice.
So a large blob goes into a list under a name of its writer's own, part after part, and the
script that accepts it only renames the list. What is never accepted ends by its TTL.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from redis import Redis

#: Seconds that a list of parts has to be accepted.
STAGED_TTL = 3600


def write(client: Redis, key: str, parts: Iterable[bytes]) -> None:
    """Write a list of parts anew."""
    pieces = iter(parts)
    with client.pipeline(transaction=False) as pipeline:
        pipeline.unlink(key)
        # The first is a short header: it goes with the second.
        pipeline.rpush(key, *islice(pieces, 2))
        pipeline.expire(key, STAGED_TTL)
        pipeline.execute()
    for part in pieces:
        client.rpush(key, part)


def read(client: Redis, key: str) -> Iterator[bytes]:
    """Read a list part by part, so that one is in memory at a time; none if it is not there."""
    with client.pipeline(transaction=False) as pipeline:
        pipeline.llen(key)
        pipeline.lrange(key, 0, 1)
        length, first = pipeline.execute()
    yield from first
    del first
    for index in range(2, length):
        part: Any = client.lindex(key, index)
        yield part
