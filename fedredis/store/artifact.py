"""Named arrays in Redis, written by the master: a hash that describes them, and their parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from fedredis.arrays import Schema, blob
from fedredis.errors import BlobError
from fedredis.store.replies import damaged, explain, text
from fedredis.store.scripts import Batch, ask

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from redis import Redis

    from fedredis.arrays import Named
    from fedredis.keys import RunKeys


def look_up(batch: Batch, keys: RunKeys, name: str) -> slice:
    """Ask for an artifact beside other things; return where the replies are."""
    key, parts = keys.artifact(name), keys.parts(name)
    start = batch.add("HMGET", key, "schema", "version")
    batch.add("LLEN", parts)
    batch.add("LRANGE", parts, 0, 1)
    return slice(start, batch.add("HGET", key, "version") + 1)


def small(replies: Sequence[Any]) -> tuple[str, Named] | None:
    """Read from such replies an artifact and its version, if it is there, whole and sound."""
    (described, version), length, first, after = replies
    if described is None or version != after or length > 2:
        return None
    try:
        return text(version), _unpacked(described, length, iter(first))
    except BlobError:
        # Whoever asks for it by its version is told what is wrong.
        return None


def fetch(client: Redis, keys: RunKeys, name: str, version: str | None = None) -> Named | None:
    """Read an artifact, of one version or as it stands; None if it is not there.

    Raises
    ------
    FedredisError
        If it is damaged.
    """
    where, key, parts = f"run {keys.run_id}", keys.artifact(name), keys.parts(name)
    batch = Batch(client, where)
    look_up(batch, keys, name)
    (described, found), length, first, after = batch.run()
    if found != after:
        # A master has written it anew in between.
        return fetch(client, keys, name, version)
    if described is None or found is None or (version is not None and text(found) != version):
        return None
    try:
        return _unpacked(described, length, rest(client, parts, length, first))
    except BlobError as error:
        if length > 2 and ask(client, where, "HGET", key, "version") != found:
            # Dropped while it was read.
            return None
        raise damaged(where, f"its {name}: {error}") from error


def _unpacked(described: bytes, length: int, parts: Iterator[bytes]) -> Named:
    schema = Schema.from_json(described)
    if schema.nbytes > length * blob.PART_BYTES:
        # A stranger may have written it: nothing is allocated by its word.
        raise BlobError("damaged: there is less than its schema says")
    head, arrays = blob.unpack(schema, parts)
    if not head.items() >= schema.about.items():
        raise BlobError("damaged: its schema is another one")
    return schema.named(arrays)


def rest(client: Redis, key: str, length: int, first: list[bytes]) -> Iterator[bytes]:
    """Go on from the first two parts of a list, so that one is in memory at a time."""
    yield from first
    first = []
    for index in range(2, length):
        try:
            part: Any = client.lindex(key, index)
        except ResponseError as error:
            raise explain(key, error) from error
        if part is None:
            # Dropped while it was read.
            return
        yield part
