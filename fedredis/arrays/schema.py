"""The names, dtypes and shapes of arrays, which a reader knows before it sees any bytes."""

from __future__ import annotations

import hashlib
import json
import math
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
#: Arrays by name, such as what a feature map has learned.
Named = dict[str, NDArray[Any]]

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
    """The names, dtypes and shapes of some arrays."""

    fields: tuple[Field, ...]

    @classmethod
    def of(cls, arrays: Named) -> Schema:
        """Describe the given arrays, in the order given."""
        return cls(
            tuple(
                Field(name, a.dtype.newbyteorder("<").str, a.shape) for name, a in arrays.items()
            )
        )

    @cached_property
    def nbytes(self) -> int:
        """Length in bytes of all arrays."""
        return sum(field.nbytes for field in self.fields)

    @property
    def names(self) -> tuple[str, ...]:
        """The arrays' names, in order."""
        return tuple(field.name for field in self.fields)

    def zeros(self) -> Arrays:
        """Arrays of zeros, writable, as an accumulator for sums."""
        return [np.zeros(field.shape, field.dtype) for field in self.fields]

    def named(self, arrays: Sequence[NDArray[Any]]) -> Named:
        """Return the arrays by name."""
        return dict(zip(self.names, arrays, strict=True))

    def views(self, arrays: Sequence[NDArray[Any]]) -> list[memoryview]:
        """Return the bytes of arrays, not copied.

        Raises
        ------
        BlobError
            If an array's shape or dtype is not the schema's.
        """
        if len(arrays) != len(self.fields):
            raise BlobError(f"{len(arrays)} arrays where {len(self.fields)} are expected")
        views = []
        for field, array in zip(self.fields, arrays, strict=True):
            if (array.shape, array.dtype) != (field.shape, np.dtype(field.dtype)):
                raise BlobError(
                    f"array '{field.name}': {array.dtype} {array.shape}, "
                    f"expected {field.dtype} {field.shape}"
                )
            views.append(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        return views

    def cut(self, body: NDArray[np.uint8]) -> Arrays:
        """Return the arrays that a body (nbytes,) holds, one after the other, as views on it."""
        arrays, offset = [], 0
        for field in self.fields:
            flat = body[offset : offset + field.nbytes].view(field.dtype)
            arrays.append(flat.reshape(field.shape))
            offset += field.nbytes
        return arrays

    def sha256(self, arrays: Sequence[NDArray[Any]]) -> str:
        """Digest the arrays' bytes, without a copy of them.

        Raises
        ------
        BlobError
            If an array's shape or dtype is not the schema's.
        """
        digest = hashlib.sha256()
        for view in self.views(arrays):
            digest.update(view)
        return digest.hexdigest()

    def to_json(self) -> str:
        """As JSON: ``[["weights", "<f8", [78, 3]], …]``."""
        return json.dumps([[f.name, f.dtype, list(f.shape)] for f in self.fields])

    @property
    def about(self) -> dict[str, str]:
        """What the head of arrays says of a schema that lies beside them: its digest."""
        return {"schema": hashlib.sha256(self.to_json().encode()).hexdigest()[:16]}

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
