"""What a stranger might write to a key, at random."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays import Field, Schema, blob

if TYPE_CHECKING:
    import random

    from numpy.typing import NDArray
    from redis import Redis

#: What stands where something else should.
ODD: tuple[Any, ...] = (
    *(
        b"",
        b"x",
        b"0",
        b"-1",
        b"1e400",
        b"nan",
        b"NaN",
        b"9" * 400,
        b"9223372036854775807",
        b"1.5",
    ),
    *(b"\xff\xfe", b"\x1b[31m[bold]x", b"null", b"true", b"[]", b"{}", b'""', b'"\\ud800"'),
    *(b"[" * 100_000, b'{"a":' * 5000, b"[1e999]", b"../x", b"train:1", b"*", b"k" * 10_000),
)
#: What stands for something in JSON.
ODD_JSON: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 10**30, 1e300, float("nan"), float("inf"), "", "x", "\ud800"),
    *("\x1b[31m", [], {}, [[]], [None], {"": None}, 10**9, -(2**63), "9" * 5000),
)
#: Numbers that an artifact of a run does not have.
NUMBERS = (float("nan"), float("inf"), -float("inf"), -1.0, 0.0, 1e300, 1e-300)
WHOLE = (-1, 0, 1, 10**6, 2**31, 2**63 - 1, -(2**63))


def mutated(rng: random.Random, value: bytes) -> bytes:
    """Change something in a value, a number or a leaf of its JSON, or all of it."""
    how = rng.random()
    if how < 0.2 or not value:
        return bytes(rng.choice(ODD))
    if how < 0.4:
        place = rng.randrange(len(value))
        return value[:place] + rng.choice([b"", bytes([rng.randrange(256)])]) + value[place + 1 :]
    try:
        found = json.loads(value)
    except ValueError:
        return value[: rng.randrange(len(value))] + bytes(rng.choice(ODD))
    return json.dumps(leaf(rng, found)).encode("utf-8", "surrogatepass")


def leaf(rng: random.Random, value: Any) -> Any:
    """Replace, remove or add something somewhere in a JSON value."""
    if isinstance(value, dict | list) and value and rng.random() < 0.85:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        place = rng.choice(list(keys))
        changed = value.copy()
        if rng.random() < 0.15:
            del changed[place]
        else:
            changed[place] = leaf(rng, value[place])
        return changed
    return rng.choice(ODD_JSON)


def garbled(rng: random.Random, value: bytes) -> bytes:
    """Cut, change, repeat or insert something in the bytes of a file."""
    first, how = rng.randrange(len(value) + 1), rng.random()
    last = min(len(value), first + rng.choice((1, 1, 2, 4, 8, 100)))
    if how < 0.2:
        return value[:first]
    if how < 0.3:
        return value[:first] + value[last:]
    if how < 0.4:
        return value[:last] + value[first:]
    if how < 0.5:
        return value[:first] + bytes(rng.choice(ODD)) + value[first:]
    new = bytes(
        rng.choice((0, 1, 32, 127, 128, 255, rng.randrange(256))) for _ in value[first:last]
    )
    return value[:first] + new + value[last:]


def odd_array(rng: random.Random, array: NDArray[Any]) -> NDArray[Any]:
    """Put something odd into an array, or make it one of another shape or kind."""
    how = rng.random()
    if how < 0.2:
        return np.resize(array, rng.choice([(), (0,), (1,), (7,), (2, 3, 2), (0, 3), (3, 0)]))
    if how < 0.4:
        kinds = ("<f4", ">f8", "<i8", "<u1", "<c16", "?", "<U5", "<M8[s]", "V4")
        return np.zeros(array.shape, rng.choice(kinds))
    array = array.copy()
    if array.size and array.dtype.kind in "iuf":
        with_odd_number(rng, array)
    return array


def with_odd_number(rng: random.Random, array: NDArray[Any]) -> float:
    """Write an odd number to a place of an array, or to all; return it."""
    flat = array.reshape(-1)
    value: Any = rng.choice(NUMBERS if flat.dtype.kind == "f" else WHOLE)
    info = np.iinfo(flat.dtype) if flat.dtype.kind in "iu" else None
    value = min(max(value, info.min), info.max) if info else value
    flat[rng.randrange(flat.size) if rng.random() < 0.7 else slice(None)] = value
    return float(value)


def spoil(rng: random.Random, client: Redis, key: bytes) -> str:
    """Mutate what a key holds; say how."""
    kind, how = client.type(key).decode(), rng.random()
    if how < 0.05:
        client.delete(key)
        return "gone"
    if how < 0.12:
        client.delete(key)
        client.rpush(key, b"x") if kind != "list" else client.set(key, b"x")
        return "of another kind"
    if kind == "hash":
        field, value = rng.choice(sorted(client.hgetall(key).items()))
        if how < 0.2:
            client.hdel(key, field)
            return f"without {field!r}"
        field = bytes(rng.choice(ODD))[:200] if how < 0.25 else field
        new = mutated(rng, value)
        client.hset(key, field, new)
        return f"{field!r}: {new[:300]!r}"
    if kind == "list" and key.endswith(b":parts") and how > 0.6:
        return unlikely(rng, client, key)
    if kind == "list":
        place = rng.randrange(client.llen(key))
        new = mutated(rng, client.lindex(key, place) or b"")
        client.lset(key, place, new)
        if how < 0.2:
            client.rpush(key, *[b""] * 1000)
        return f"[{place}]: {new[:300]!r}"
    if kind == "zset":
        new, score = bytes(rng.choice(ODD))[:200], rng.choice([-1.0, 1e300, float("inf"), 0.5])
        client.zadd(key, {new: score})
        return f"{new!r} at {score}"
    if kind == "stream":
        id_ = rng.choice(["*", "18446744073709551615-18446744073709551615"])
        client.xadd(key, {bytes(rng.choice(ODD))[:200]: rng.choice(ODD)}, id=id_)
        return f"an entry {id_}"
    client.set(key, rng.choice(ODD))
    return "a string"


def unlikely(rng: random.Random, client: Redis, key: bytes) -> str:
    """Write other numbers to an artifact, or other shapes, as one that is whole."""
    about = key.removesuffix(b":parts")
    schema = Schema.from_json(client.hget(about, "schema"))
    _, arrays = blob.unpack(schema, client.lrange(key, 0, -1))
    arrays = [array.copy() for array in arrays]
    if not arrays:
        return "nothing to write"
    place = rng.randrange(len(arrays))
    field = schema.fields[place]
    told = f"{field.name} "
    if rng.random() < 0.3:
        arrays[place] = np.resize(arrays[place], rng.choice([(), (0,), (1,), (7,), (2, 3, 2)]))
        changed = Field(field.name, field.dtype, arrays[place].shape)
        schema = Schema((*schema.fields[:place], changed, *schema.fields[place + 1 :]))
        client.hset(about, "schema", schema.to_json())
        told += f"of shape {changed.shape}"
    elif arrays[place].size:
        told += f"with {with_odd_number(rng, arrays[place])}"
    client.delete(key)
    client.rpush(key, *blob.pack(schema, arrays, schema.about))
    return told
