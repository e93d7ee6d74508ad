"""Arrays to bytes and back, with nothing in the bytes that the reader has to trust.

A blob is ``MAGIC``, the CRC-32 of the body (4 bytes, little-endian), and the body: the raw
little-endian elements of each array, one after the other. Names, dtypes and shapes are not in
it: they come from a `Schema` that the reader already has, so no header written by a stranger
ever sizes an allocation.
"""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fedredis.errors import BlobError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: A list of arrays in the order of a schema: parameters, sums, whatever travels.
Arrays = list[NDArray[Any]]

#: First bytes of every blob; the digit is the format's version.
MAGIC = b"FR1\n"
HEADER_BYTES = len(MAGIC) + 4

#: What may travel: little-endian floats and integers of 4 and 8 bytes.
DTYPES = ("<f4", "<f8", "<i4", "<i8")


@dataclass(frozen=True)
class Field:
    """One array of a schema: its name, a dtype out of `DTYPES`, and its shape."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise BlobError(f"array '{self.name}': dtype {self.dtype!r} is not one of {DTYPES}")
        if any(side < 0 for side in self.shape):
            raise BlobError(f"array '{self.name}': negative side in shape {self.shape}")

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Length in bytes."""
        return self.size * int(self.dtype[2])


@dataclass(frozen=True)
class Schema:
    """The names, dtypes and shapes of the arrays in a blob."""

    fields: tuple[Field, ...]

    @classmethod
    def of(cls, **arrays: NDArray[Any]) -> Schema:
        """Describe the given arrays, in the order given."""
        return cls(
            tuple(
                Field(name, a.dtype.newbyteorder("<").str, a.shape) for name, a in arrays.items()
            )
        )

    @cached_property
    def nbytes(self) -> int:
        """Length of a body in bytes, without the header."""
        return sum(field.nbytes for field in self.fields)

    @property
    def names(self) -> tuple[str, ...]:
        """The arrays' names, in order."""
        return tuple(field.name for field in self.fields)

    def zeros(self) -> Arrays:
        """Arrays of zeros, writable, as an accumulator for sums."""
        return [np.zeros(field.shape, field.dtype) for field in self.fields]

    def to_json(self) -> str:
        """As JSON: ``[["weights", "<f8", [78, 3]], …]``."""
        return json.dumps([[f.name, f.dtype, list(f.shape)] for f in self.fields])

    @classmethod
    def from_json(cls, text: str | bytes) -> Schema:
        """Read what `to_json` wrote.

        Raises
        ------
        BlobError
            If the text is not a schema.
        """
        try:
            return cls(
                tuple(
                    Field(str(name), str(dtype), tuple(int(side) for side in shape))
                    for name, dtype, shape in json.loads(text)
                )
            )
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise BlobError(f"not a schema: {error}") from error

    def encode(self, arrays: Sequence[NDArray[Any]], prefix: bytes = b"") -> bytes:
        """Pack arrays into a blob, behind a prefix.

        Raises
        ------
        BlobError
            If an array's shape or dtype is not the schema's.
        """
        if len(arrays) != len(self.fields):
            raise BlobError(f"{len(arrays)} arrays where {len(self.fields)} are expected")
        for field, array in zip(self.fields, arrays, strict=True):
            if array.shape != field.shape:
                raise BlobError(
                    f"array '{field.name}': shape {array.shape}, expected {field.shape}"
                )
            if array.dtype != np.dtype(field.dtype):
                raise BlobError(
                    f"array '{field.name}': dtype {array.dtype}, expected {field.dtype}"
                )
        body = b"".join(np.ascontiguousarray(array).data for array in arrays)
        return b"".join((prefix, MAGIC, zlib.crc32(body).to_bytes(4, "little"), body))

    def decode(self, blob: bytes, start: int = 0) -> Arrays:
        """Unpack a blob that begins at `start` into read-only views on it; nothing is copied.

        Raises
        ------
        BlobError
            If the blob is not one, has another length than the schema says, or is damaged.
        """
        body = start + HEADER_BYTES
        if blob[start : start + len(MAGIC)] != MAGIC:
            raise BlobError("not a fedredis blob")
        if len(blob) != body + self.nbytes:
            raise BlobError(f"{len(blob) - body} bytes where {self.nbytes} are expected")
        checksum = int.from_bytes(blob[start + len(MAGIC) : body], "little")
        if zlib.crc32(memoryview(blob)[body:]) != checksum:
            raise BlobError("damaged: the checksum does not match")
        arrays, offset = [], body
        for field in self.fields:
            flat = np.frombuffer(blob, field.dtype, count=field.size, offset=offset)
            arrays.append(flat.reshape(field.shape))
            offset += field.nbytes
        return arrays
