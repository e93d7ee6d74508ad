"""Blobs too large for one value: lists of parts, written beside their place and moved there.

Redis holds values of 512 MB at most, and a script that is handed a large one copies it twice.
So a large blob goes into a list under a name of its writer's own, part after part, and the
script that accepts it only renames the list. What is never accepted ends by its TTL.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from redis import Redis

#: Seconds that a list of parts has to be accepted.
STAGED_TTL = 3600


def write(client: Redis, key: str, parts: Iterable[bytes]) -> int:
    """Write a list of parts anew; return how many there are.

    What Redis loses of it on the way is not written again: the list is shorter then, and whoever
    is told the number does not accept it.
    """
    pieces = iter(parts)
    with client.pipeline(transaction=False) as pipeline:
        pipeline.unlink(key)
        # The first is a short header: it goes with the second.
        pipeline.rpush(key, *islice(pieces, 2))
        pipeline.expire(key, STAGED_TTL)
        pipeline.execute()
    place = 1
    for place, part in enumerate(pieces, start=2):
        length: Any = client.rpush(key, part)
        if length > place + 1:
            # The answer was lost and the part sent again.
            client.ltrim(key, 0, place)
        if length <= place:
            client.unlink(key)
            break
    return place + 1


def read(client: Redis, key: str) -> Iterator[bytes]:
    """Read a list part by part, so that one is in memory at a time; none if it is not there.

    What is no list is read as one part without a header, which is no blob.
    """
    with client.pipeline(transaction=False) as pipeline:
        pipeline.llen(key)
        pipeline.lrange(key, 0, 1)
        try:
            length, first = pipeline.execute()
        except ResponseError as error:
            if "WRONGTYPE" not in str(error):
                raise
            length, first = 1, [b""]
    yield from first
    del first
    for index in range(2, length):
        part: Any = client.lindex(key, index)
        if part is None:
            # Dropped while it was read.
            return
        yield part
