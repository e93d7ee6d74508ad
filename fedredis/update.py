"""What slaves submit to a round, as bytes: a number of rows, then a blob of arrays.

The number is 8 bytes, little-endian, signed; the blob is the codec's. Updates of one round have
one schema and so one length, which lets many of them be read as one array of records.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.codec import HEADER_BYTES, MAGIC
from fedredis.errors import BlobError, UpdateRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from fedredis.codec import Arrays, Schema

#: Length of the number of rows.
SAMPLES_BYTES = 8
#: Elements that are worked on at a time, where arrays are large.
CHUNK = 1 << 14
#: A number of rows above this one is a mistake, or meant to outweigh all others.
MOST_SAMPLES = 1 << 40
#: Where the arrays begin.
BODY = SAMPLES_BYTES + HEADER_BYTES


@dataclass(frozen=True, slots=True)
class Update:
    """Sums over a slave's rows, and how many rows they stand for."""

    samples: int
    arrays: Arrays


@dataclass(frozen=True, slots=True)
class Bound:
    """How far a slave's parameters, the mean over its rows, may be from the global ones.

    They are the first arrays of its update.
    """

    parameters: Arrays
    #: Euclidean norm of the difference over all arrays.
    norm: float


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


def pack_parts(schema: Schema, update: Update) -> Iterator[bytes]:
    """Turn a large update into bytes, part by part.

    Raises
    ------
    BlobError
        If its arrays are not as the schema says.
    """
    samples = update.samples.to_bytes(SAMPLES_BYTES, "little", signed=True)
    return schema.encode_parts(update.arrays, prefix=samples)


def unpack_parts(schema: Schema, parts: Iterable[bytes], bound: Bound | None = None) -> Update:
    """Turn a large update's parts into an update that can be counted.

    Raises
    ------
    UpdateRefusedError
        If it is damaged, of another shape, not finite throughout, or beyond the bound.
    """
    try:
        prefix, arrays = schema.decode_parts(parts, start=SAMPLES_BYTES)
    except BlobError as error:
        raise UpdateRefusedError(str(error)) from error
    update = Update(int.from_bytes(prefix, "little", signed=True), arrays)
    _check(schema, update, bound)
    return update


def unpack_one(schema: Schema, packed: bytes, bound: Bound | None = None) -> Update:
    """Turn bytes into an update that can be counted.

    Raises
    ------
    UpdateRefusedError
        If it is damaged, of another shape, not finite throughout, or beyond the bound.
    """
    try:
        arrays = schema.decode(packed, start=SAMPLES_BYTES)
    except BlobError as error:
        raise UpdateRefusedError(str(error)) from error
    update = Update(int.from_bytes(packed[:SAMPLES_BYTES], "little", signed=True), arrays)
    _check(schema, update, bound)
    return update


def _check(schema: Schema, update: Update, bound: Bound | None) -> None:
    if not (1 if bound else 0) <= update.samples <= MOST_SAMPLES:
        raise UpdateRefusedError(f"{update.samples} is not a number of rows that it can stand for")
    # What is not finite is not within any bound either: where there is one, one look is enough.
    distance = _distance(update, bound) if bound else math.nan
    within = bound is not None and distance <= bound.norm
    looked_at = len(bound.parameters) if bound and within else 0
    unseen = zip(schema.fields[looked_at:], update.arrays[looked_at:], strict=True)
    for field, array in unseen:
        if not all(np.isfinite(chunk).all() for chunk in chunks(array)):
            raise UpdateRefusedError(f"array '{field.name}' is not finite")
    if bound and not within:
        raise UpdateRefusedError(
            f"it is {distance:.3g} away from the global model, more than {bound.norm:.3g}"
        )


def _distance(update: Update, bound: Bound) -> float:
    """Return how far an update's parameters are from the global ones, chunk by chunk."""
    square = 0.0
    # What overflows is infinitely far away, which is what it should be.
    with np.errstate(over="ignore", invalid="ignore"):
        for array, parameters in zip(update.arrays, bound.parameters, strict=False):
            for mine, theirs in zip(chunks(array), chunks(parameters), strict=True):
                away = mine / update.samples
                away -= theirs
                # Not a product of BLAS, whose threads would fight with the workers for the cores.
                square += float(np.einsum("i,i->", away, away))
    return math.sqrt(square)


def chunks(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Cut an array into flat views that fit a core's cache."""
    flat = array.reshape(-1)
    return (flat[start : start + CHUNK] for start in range(0, flat.size, CHUNK))


def unpack(schema: Schema, packed: Sequence[bytes]) -> Updates:
    """Turn updates, each of them checked, into stacks that view their bytes, joined."""
    records = np.frombuffer(b"".join(packed), _record(schema))
    stacks = [records[field.name] for field in schema.fields]
    return Updates(records["samples of an update"], stacks)


def sound(schema: Schema, packed: Sequence[bytes], bound: Bound | None = None) -> bool:
    """Tell at once whether all of many updates can be counted; `check` tells why not."""
    length = BODY + schema.nbytes
    for update in packed:
        if len(update) != length or update[SAMPLES_BYTES : SAMPLES_BYTES + len(MAGIC)] != MAGIC:
            return False
        checksum = int.from_bytes(update[BODY - 4 : BODY], "little")
        if zlib.crc32(memoryview(update)[BODY:]) != checksum:
            return False
    updates = unpack(schema, packed)
    least = 1 if bound else 0
    if not ((updates.samples >= least) & (updates.samples <= MOST_SAMPLES)).all():
        return False
    # What is not finite is not within the bound either.
    if bound and not (_norms(updates, bound) <= bound.norm).all():
        return False
    unseen = updates.stacks[len(bound.parameters) if bound else 0 :]
    return all(bool(np.isfinite(stack).all()) for stack in unseen)


def _norms(updates: Updates, bound: Bound) -> NDArray[Any]:
    """Return how far each update's parameters are from the global ones (k,)."""
    squares = np.zeros(len(updates.samples))
    # What overflows is infinitely far away, which is what it should be.
    with np.errstate(over="ignore", invalid="ignore"):
        for stack, parameters in zip(updates.stacks, bound.parameters, strict=False):
            rows = updates.samples.reshape(-1, *[1] * parameters.ndim)
            away = (stack / rows - parameters).reshape(len(squares), -1)
            squares += np.einsum("ij,ij->i", away, away)
    return np.sqrt(squares)


def _record(schema: Schema) -> np.dtype[Any]:
    header = [("samples of an update", "<i8"), ("header of an update", f"V{HEADER_BYTES}")]
    return np.dtype([*header, *((f.name, f.dtype, f.shape) for f in schema.fields)])
