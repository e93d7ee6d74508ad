"""Named arrays in Redis, written by the master: the model and what the preprocessing knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fedredis.codec import Arrays, Schema
from fedredis.errors import BlobError
from fedredis.store import parts

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from redis import Redis

    from fedredis.keys import RunKeys


@dataclass(frozen=True)
class Artifact:
    """Arrays with their schema, as they stand in a hash (fields `schema` and `blob`).

    A large one's arrays stand in a list of parts beside the hash.
    """

    schema: Schema
    arrays: Arrays

    @property
    def named(self) -> dict[str, NDArray[Any]]:
        """The arrays by name."""
        return dict(zip(self.schema.names, self.arrays, strict=True))

    @property
    def sha256(self) -> str:
        """Digest of the arrays' bytes, the same wherever and however often they are made."""
        return self.schema.sha256(self.arrays)

    def to_fields(self) -> dict[Any, Any]:
        """Encode the fields of the hash."""
        if self.schema.large:
            return {"schema": self.schema.to_json()}
        return {"schema": self.schema.to_json(), "blob": self.schema.encode(self.arrays)}


def create(client: Redis, keys: RunKeys, name: str, artifact: Artifact) -> None:
    """Write an artifact of a run that nobody drives yet."""
    if artifact.schema.large:
        key = keys.parts(name)
        parts.write(client, key, artifact.schema.encode_parts(artifact.arrays))
        client.persist(key)
    client.hset(keys.artifact(name), mapping=artifact.to_fields())


def fetch(client: Redis, keys: RunKeys, name: str) -> Artifact | None:
    """Read and decode an artifact; None if it is not there.

    Raises
    ------
    BlobError
        If it is damaged.
    """
    reply: Any = client.hmget(keys.artifact(name), "schema", "blob")
    schema, blob = reply
    if schema is None:
        return None
    described = Schema.from_json(schema)
    if blob is not None:
        return Artifact(described, described.decode(blob))
    try:
        _, arrays = described.decode_parts(parts.read(client, keys.parts(name)))
    except BlobError:
        if not client.exists(keys.parts(name)):
            # Dropped after its schema was read.
            return None
        raise
    return Artifact(described, arrays)
