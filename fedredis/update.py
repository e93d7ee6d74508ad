"""What one slave submits to one round, as bytes: a number of rows, then a blob of arrays.

The number is 8 bytes, little-endian, signed; the blob is the codec's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fedredis.errors import BlobError, UpdateRefusedError

if TYPE_CHECKING:
    from fedredis.codec import Arrays, Schema

#: Length of the number of rows.
SAMPLES_BYTES = 8


@dataclass(frozen=True)
class Update:
    """Sums over a slave's rows, and how many rows they stand for."""

    samples: int
    arrays: Arrays


def pack(schema: Schema, update: Update) -> bytes:
    """Turn an update into bytes.

    Raises
    ------
    BlobError
        If its arrays are not as the schema says.
    """
    samples = update.samples.to_bytes(SAMPLES_BYTES, "little", signed=True)
    return schema.encode(update.arrays, prefix=samples)


def unpack(schema: Schema, packed: bytes) -> Update:
    """Check an update and turn it into arrays, read-only views on the bytes.

    Raises
    ------
    UpdateRefusedError
        If it must not be counted: damaged, of another shape, or not finite throughout.
    """
    samples = int.from_bytes(packed[:SAMPLES_BYTES], "little", signed=True)
    if samples < 0:
        raise UpdateRefusedError(f"a negative number of rows, {samples}")
    try:
        arrays = schema.decode(packed, start=SAMPLES_BYTES)
    except BlobError as error:
        raise UpdateRefusedError(str(error)) from error
    for field, array in zip(schema.fields, arrays, strict=True):
        if not np.isfinite(array).all():
            raise UpdateRefusedError(f"array '{field.name}' is not finite")
    return Update(samples, arrays)
