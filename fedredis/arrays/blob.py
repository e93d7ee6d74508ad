"""Arrays to bytes and back, with nothing in the bytes that the reader has to trust.

A blob is a list of parts. The first is its head, a JSON object that says what the arrays are about
and has their checksum; the others are the raw little-endian elements of the arrays, one after the
other, `PART_BYTES` at a time. Names, dtypes and shapes come from a `Schema` that the reader
already has, so nothing that a stranger wrote ever sizes an allocation.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.errors import BlobError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from fedredis.arrays.schema import Arrays, Schema

#: Bytes of a part at most.
PART_BYTES = 1 << 22
#: Bytes of a head at most: names and facts of the slaves in a bundle.
MOST_HEAD = 1 << 24


def pack(
    schema: Schema, arrays: Sequence[NDArray[Any]], about: Mapping[str, Any] | None = None
) -> Iterator[bytes]:
    """Yield the parts of a blob: a head that also says what it is `about`, then the arrays.

    Raises
    ------
    BlobError
        If an array's shape or dtype is not the schema's.
    """
    views = schema.views(arrays)
    checksum = sum(map(_word_sum, views)) % 2**64
    head = {**(about or {}), "checksum": f"{checksum:016x}"}
    yield json.dumps(head, separators=(",", ":")).encode()
    if schema.nbytes <= PART_BYTES:
        yield b"".join(views)
        return
    for view in views:
        for start in range(0, len(view), PART_BYTES):
            yield bytes(view[start : start + PART_BYTES])


def unpack(schema: Schema, parts: Iterable[bytes]) -> tuple[dict[str, Any], Arrays]:
    """Turn a blob's parts into what it is about, and the arrays.

    Memory is taken for the arrays that the schema describes and for one part at a time; the arrays
    of a small blob are read-only views on its part.

    Raises
    ------
    BlobError
        If the blob is not one, has another length than the schema says, or is damaged.
    """
    pieces = iter(parts)
    head = read_head(next(pieces, b""))
    first = next(pieces, b"")
    if len(first) == schema.nbytes:
        body, filled = np.frombuffer(first, np.uint8), len(first)
    else:
        body, filled = np.empty(schema.nbytes, np.uint8), 0
        filled = _fill(body, filled, first)
    empty = 0
    for piece in pieces:
        empty += not piece
        if empty > 1:
            raise BlobError("it has empty parts")
        filled = _fill(body, filled, piece)
    if filled != schema.nbytes:
        raise BlobError(f"{filled} bytes where {schema.nbytes} are expected")
    arrays = schema.cut(body)
    checksum = sum(map(_word_sum, schema.views(arrays))) % 2**64
    if head.pop("checksum", None) != f"{checksum:016x}":
        raise BlobError("damaged: the checksum does not match")
    return head, arrays


def _fill(body: NDArray[np.uint8], filled: int, piece: bytes) -> int:
    if filled + len(piece) > len(body):
        raise BlobError(f"more than the {len(body)} bytes that are expected")
    if piece:  # a body that is full already may be a view on bytes
        body[filled : filled + len(piece)] = np.frombuffer(piece, np.uint8)
    return filled + len(piece)


def read_head(text: bytes) -> dict[str, Any]:
    """Read what a blob's first part says.

    Raises
    ------
    BlobError
        If it says nothing.
    """
    try:
        head = json.loads(text) if len(text) <= MOST_HEAD else None
    except (ValueError, RecursionError):
        head = None
    if not isinstance(head, dict):
        raise BlobError("not a fedredis blob")
    return head


def writable(value: Any) -> str:
    """Return it as text that can be written down: JSON may hold halves of letters."""
    return str(value).encode("utf-8", "replace").decode()


def _word_sum(view: memoryview) -> int:
    """Add up bytes as 64-bit words, and what is left over as 32-bit ones, modulo 2^64.

    A cyclic redundancy check would take several times as long as Redis takes for the bytes.
    """
    whole = len(view) // 8 * 8
    words = np.add.reduce(np.frombuffer(view[:whole], np.uint64), dtype=np.uint64)
    rest = int.from_bytes(view[whole:], "little")
    return int(words) + rest + len(view)
