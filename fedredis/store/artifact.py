"""Named arrays in Redis, written by the master: the model and what the preprocessing knows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fedredis.codec import HEADER_BYTES, Arrays, Schema

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from redis import Redis


@dataclass(frozen=True)
class Artifact:
    """Arrays with their schema, as they stand in one hash (fields `schema` and `blob`)."""

    schema: Schema
    arrays: Arrays

    @property
    def named(self) -> dict[str, NDArray[Any]]:
        """The arrays by name."""
        return dict(zip(self.schema.names, self.arrays, strict=True))

    @property
    def sha256(self) -> str:
        """Digest of the arrays' bytes, the same wherever and however often they are made."""
        return hashlib.sha256(self.schema.encode(self.arrays)[HEADER_BYTES:]).hexdigest()

    def to_fields(self) -> dict[Any, Any]:
        """Encode the two fields of the hash."""
        return {"schema": self.schema.to_json(), "blob": self.schema.encode(self.arrays)}


def fetch(client: Redis, key: str) -> Artifact | None:
    """Read and decode an artifact's hash; None if it is not there.

    Raises
    ------
    BlobError
        If it is damaged.
    """
    reply: Any = client.hmget(key, "schema", "blob")
    schema, blob = reply
    if schema is None or blob is None:
        return None
    described = Schema.from_json(schema)
    return Artifact(described, described.decode(blob))
