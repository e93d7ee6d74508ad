"""What slaves submit to a round, as bytes: a number of rows, then a blob of arrays.

The number is 8 bytes, little-endian, signed; the blob is the codec's. Updates of one round have
one schema and so one length, which lets many of them be read as one array of records.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.codec import HEADER_BYTES, MAGIC
from fedredis.errors import BlobError, UpdateRefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fedredis.codec import Arrays, Schema

#: Length of the number of rows.
SAMPLES_BYTES = 8
#: Where the arrays begin.
BODY = SAMPLES_BYTES + HEADER_BYTES


@dataclass(frozen=True, slots=True)
class Update:
    """Sums over a slave's rows, and how many rows they stand for."""

    samples: int
    arrays: Arrays


@dataclass(frozen=True, slots=True)
class Updates:
    """k updates: their numbers of rows (k,), and for each array of the schema a stack (k, …)."""

    samples: NDArray[np.int64]
    stacks: Arrays


def pack(schema: Schema, update: Update) -> bytes:
    """Turn an update into bytes.

    Raises
    ------
    BlobError
        If its arrays are not as the schema says.
    """
    samples = update.samples.to_bytes(SAMPLES_BYTES, "little", signed=True)
    return schema.encode(update.arrays, prefix=samples)


def check(schema: Schema, packed: bytes) -> None:
    """See that bytes are an update that can be counted.

    Raises
    ------
    UpdateRefusedError
        If it is damaged, of another shape, or not finite throughout.
    """
    try:
        arrays = schema.decode(packed, start=SAMPLES_BYTES)
    except BlobError as error:
        raise UpdateRefusedError(str(error)) from error
    samples = int.from_bytes(packed[:SAMPLES_BYTES], "little", signed=True)
    if samples < 0:
        raise UpdateRefusedError(f"a negative number of rows, {samples}")
    for field, array in zip(schema.fields, arrays, strict=True):
        if not np.isfinite(array).all():
            raise UpdateRefusedError(f"array '{field.name}' is not finite")


def unpack(schema: Schema, packed: Sequence[bytes]) -> Updates:
    """Turn updates, each of them checked, into stacks that view their bytes, joined."""
    records = np.frombuffer(b"".join(packed), _record(schema))
    stacks = [records[field.name] for field in schema.fields]
    return Updates(records["samples of an update"], stacks)


def sound(schema: Schema, packed: Sequence[bytes]) -> bool:
    """Tell at once whether all of many updates can be counted; `check` tells why not."""
    length = BODY + schema.nbytes
    for update in packed:
        if len(update) != length or update[SAMPLES_BYTES : SAMPLES_BYTES + len(MAGIC)] != MAGIC:
            return False
        checksum = int.from_bytes(update[BODY - 4 : BODY], "little")
        if zlib.crc32(memoryview(update)[BODY:]) != checksum:
            return False
    updates = unpack(schema, packed)
    return bool((updates.samples >= 0).all()) and all(
        bool(np.isfinite(stack).all()) for stack in updates.stacks
    )


def _record(schema: Schema) -> np.dtype[Any]:
    header = [("samples of an update", "<i8"), ("header of an update", f"V{HEADER_BYTES}")]
    return np.dtype([*header, *((f.name, f.dtype, f.shape) for f in schema.fields)])
