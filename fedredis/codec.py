"""Arrays to bytes and back, with nothing in the bytes that the reader has to trust.

A blob is ``MAGIC``, the CRC-32 of the body (4 bytes, little-endian), and the body: the raw
little-endian elements of each array, one after the other. Names, dtypes and shapes are not in
it: they come from a `Schema` that the reader already has, so no header written by a stranger
ever sizes an allocation.
"""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fedredis.errors import BlobError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: A list of arrays in the order of a schema: parameters, sums, whatever travels.
Arrays = list[NDArray[Any]]

#: First bytes of every blob; the digit is the format's version.
MAGIC = b"FR1\n"
HEADER_BYTES = len(MAGIC) + 4

#: Blobs with more bytes than this travel in parts.
LARGE_BYTES = 1_000_000
#: Bytes of a part.
PART_BYTES = 1 << 22

#: What may travel: little-endian floats and integers of 4 and 8 bytes.
DTYPES = ("<f4", "<f8", "<i4", "<i8")
#: Sides and elements of an array at most, whatever a schema says; NumPy has no more of them.
MOST_SIDES, MOST_ELEMENTS = 32, 1 << 60


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
        if len(self.shape) > MOST_SIDES or math.prod(s or 1 for s in self.shape) > MOST_ELEMENTS:
            raise BlobError(f"array '{self.name}': no array has such a shape")

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

    def plus(self, *fields: Field) -> Schema:
        """Describe the same arrays and further ones."""
        return Schema((*self.fields, *fields))

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

    @property
    def large(self) -> bool:
        """Whether a blob of this schema travels in parts."""
        return self.nbytes > LARGE_BYTES

    def encode(self, arrays: Sequence[NDArray[Any]], prefix: bytes = b"") -> bytes:
        """Pack arrays into a blob, behind a prefix.

        Raises
        ------
        BlobError
            If an array's shape or dtype is not the schema's.
        """
        views, header = self._body(arrays)
        return b"".join((prefix, header, *views))

    def encode_parts(self, arrays: Sequence[NDArray[Any]], prefix: bytes = b"") -> Iterator[bytes]:
        """Pack arrays like `encode`, cut into parts: the header, then `PART_BYTES` at a time.

        Raises
        ------
        BlobError
            If an array's shape or dtype is not the schema's.
        """
        views, header = self._body(arrays)
        body = (
            bytes(view[start : start + PART_BYTES])
            for view in views
            for start in range(0, len(view), PART_BYTES)
        )
        return chain((prefix + header,), body)

    def sha256(self, arrays: Sequence[NDArray[Any]]) -> str:
        """Digest the arrays' bytes, without a copy of them.

        Raises
        ------
        BlobError
            If an array's shape or dtype is not the schema's.
        """
        digest = hashlib.sha256()
        for view in self._body(arrays)[0]:
            digest.update(view)
        return digest.hexdigest()

    def _body(self, arrays: Sequence[NDArray[Any]]) -> tuple[list[memoryview], bytes]:
        """Return the arrays' bytes, not copied, and the header that goes before them."""
        if len(arrays) != len(self.fields):
            raise BlobError(f"{len(arrays)} arrays where {len(self.fields)} are expected")
        views, checksum = [], 0
        for field, array in zip(self.fields, arrays, strict=True):
            if array.shape != field.shape:
                raise BlobError(
                    f"array '{field.name}': shape {array.shape}, expected {field.shape}"
                )
            if array.dtype != np.dtype(field.dtype):
                raise BlobError(
                    f"array '{field.name}': dtype {array.dtype}, expected {field.dtype}"
                )
            view = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
            checksum = zlib.crc32(view, checksum)
            views.append(view)
        return views, MAGIC + checksum.to_bytes(4, "little")

    def decode_parts(self, parts: Iterable[bytes], start: int = 0) -> tuple[bytes, Arrays]:
        """Unpack what `encode_parts` made; return the prefix of `start` bytes, and the arrays.

        Memory is taken for the arrays that the schema describes and for one part at a time.

        Raises
        ------
        BlobError
            If the blob is not one, has another length than the schema says, or is damaged.
        """
        pieces = iter(parts)
        head = next(pieces, b"")
        if len(head) != start + HEADER_BYTES or head[start : start + len(MAGIC)] != MAGIC:
            raise BlobError("not a fedredis blob")
        body, filled, checksum = np.empty(self.nbytes, np.uint8), 0, 0
        for piece in pieces:
            if filled + len(piece) > self.nbytes:
                raise BlobError(f"more than the {self.nbytes} bytes that are expected")
            body[filled : filled + len(piece)] = np.frombuffer(piece, np.uint8)
            checksum = zlib.crc32(piece, checksum)
            filled += len(piece)
        if filled != self.nbytes:
            raise BlobError(f"{filled} bytes where {self.nbytes} are expected")
        if checksum != int.from_bytes(head[start + len(MAGIC) :], "little"):
            raise BlobError("damaged: the checksum does not match")
        arrays, offset = [], 0
        for field in self.fields:
            flat = body[offset : offset + field.nbytes].view(field.dtype)
            arrays.append(flat.reshape(field.shape))
            offset += field.nbytes
        return head[:start], arrays

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
