from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis import codec
from fedredis.codec import HEADER_BYTES, Schema
from fedredis.errors import BlobError
from fedredis.keys import RunKeys
from fedredis.store.artifact import Artifact, create, fetch

if TYPE_CHECKING:
    from redis import Redis

ARRAYS = [np.arange(6.0).reshape(2, 3), np.array([7, -7])]
KEYS = RunKeys("r1")
MODEL = Artifact(Schema.of(weights=ARRAYS[0], counts=ARRAYS[1]), ARRAYS)


@pytest.fixture
def key(fake: Redis) -> str:
    fake.hset("fedredis:{r1}:model:1", mapping=MODEL.to_fields())
    return "fedredis:{r1}:model:1"


def test_it_comes_back(fake: Redis, key: str) -> None:
    back = fetch(fake, KEYS, "model:1")
    assert back is not None
    assert list(back.named) == ["weights", "counts"]
    np.testing.assert_array_equal(back.named["weights"], ARRAYS[0])
    np.testing.assert_array_equal(back.named["counts"], ARRAYS[1])
    assert fake.hget(key, "schema") == b'[["weights", "<f8", [2, 3]], ["counts", "<i8", [2]]]'


def test_the_digest_is_that_of_the_bytes(fake: Redis, key: str) -> None:
    expected = hashlib.sha256(ARRAYS[0].tobytes() + ARRAYS[1].tobytes()).hexdigest()
    assert MODEL.sha256 == expected
    assert fetch(fake, KEYS, "model:1").sha256 == expected
    by_columns = Artifact(MODEL.schema, [np.asfortranarray(ARRAYS[0]), ARRAYS[1]])
    assert by_columns.sha256 == expected
    smallest_change = Artifact(MODEL.schema, [np.nextafter(ARRAYS[0], 9), ARRAYS[1]])
    assert smallest_change.sha256 != expected


@pytest.mark.parametrize("gone", [("schema",), ("blob",), ("schema", "blob")])
def test_what_is_not_there_whole_is_not_there(
    fake: Redis, key: str, gone: tuple[str, ...]
) -> None:
    fake.hdel(key, *gone)
    assert fetch(fake, KEYS, "model:1") is None


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("blob", b"", "not a fedredis blob"),
        ("blob", MODEL.to_fields()["blob"][:-1], "63 bytes where 64 are expected"),
        ("blob", MODEL.to_fields()["blob"][:-1] + b"!", "the checksum does not match"),
        ("schema", b"{", "not a schema"),
        ("schema", b'[["weights", "|O", [8]]]', "dtype"),
        ("schema", b'[["weights", "<f8", [9]]]', "64 bytes where 72 are expected"),
    ],
)
def test_damage_is_seen(fake: Redis, key: str, field: str, value: bytes, problem: str) -> None:
    fake.hset(key, field, value)
    with pytest.raises(BlobError, match=problem):
        fetch(fake, KEYS, "model:1")


# Large ones, on a real server.


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the model be a large one, of six parts."""
    monkeypatch.setattr(codec, "LARGE_BYTES", MODEL.schema.nbytes - 1)
    monkeypatch.setattr(codec, "PART_BYTES", 10)


KEY, PARTS = "fedredis:{r1}:model:1", "fedredis:{r1}:model:1:parts"


def test_a_small_one_is_a_hash_alone(client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "LARGE_BYTES", MODEL.schema.nbytes)
    create(client, KEYS, "model:1", MODEL)
    assert client.keys() == [KEY.encode()]
    assert set(client.hgetall(KEY)) == {b"schema", b"blob"}
    assert fetch(client, KEYS, "model:1").sha256 == MODEL.sha256


@pytest.mark.usefixtures("large")
def test_the_arrays_of_a_large_one_stand_beside_its_hash(client: Redis) -> None:
    create(client, KEYS, "model:1", MODEL)
    assert set(client.keys()) == {KEY.encode(), PARTS.encode()}
    assert client.hgetall(KEY) == {b"schema": MODEL.schema.to_json().encode()}
    parts = client.lrange(PARTS, 0, -1)
    assert [len(part) for part in parts] == [HEADER_BYTES, 10, 10, 10, 10, 8, 10, 6]
    assert b"".join(parts) == MODEL.schema.encode(ARRAYS)
    # It is there for good.
    assert client.ttl(PARTS) == client.ttl(KEY) == -1


@pytest.mark.usefixtures("large")
def test_a_large_one_comes_back(client: Redis) -> None:
    create(client, KEYS, "model:1", MODEL)
    back = fetch(client, KEYS, "model:1")
    assert back.schema == MODEL.schema
    assert list(back.named) == ["weights", "counts"]
    assert back.schema.encode(back.arrays) == MODEL.schema.encode(ARRAYS)
    assert back.sha256 == MODEL.sha256


def test_what_is_large_is_the_writers_to_say(
    client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads may have another limit."""
    for limit, other in ((0, 1_000_000), (1_000_000, 0)):
        client.flushall()
        monkeypatch.setattr(codec, "LARGE_BYTES", limit)
        create(client, KEYS, "model:1", MODEL)
        monkeypatch.setattr(codec, "LARGE_BYTES", other)
        assert fetch(client, KEYS, "model:1").sha256 == MODEL.sha256


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("gone", [KEY, PARTS])
def test_a_large_one_that_is_not_there_whole_is_not_there(client: Redis, gone: str) -> None:
    create(client, KEYS, "model:1", MODEL)
    client.delete(gone)
    assert fetch(client, KEYS, "model:1") is None


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("after", [2, 5])
def test_a_large_one_that_is_dropped_while_it_is_read_is_not_there(
    client: Redis, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """A master may have moved on."""
    create(client, KEYS, "model:1", MODEL)
    lindex = client.lindex

    def dropping(key: str, index: int) -> Any:
        if index == after:
            client.delete(KEY, PARTS)
        return lindex(key, index)

    monkeypatch.setattr(client, "lindex", dropping)
    assert fetch(client, KEYS, "model:1") is None


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda client: client.lset(PARTS, 0, b"?"), "not a fedredis blob"),
        (lambda client: client.lpop(PARTS), "not a fedredis blob"),
        (lambda client: client.rpop(PARTS), "58 bytes where 64 are expected"),
        (lambda client: client.rpush(PARTS, b"?"), "more than the 64 bytes that are expected"),
        (lambda client: client.lset(PARTS, 1, bytes(1000)), "more than the 64 bytes"),
        (lambda client: client.lset(PARTS, 1, b"?" * 10), "the checksum does not match"),
        (lambda client: client.hset(KEY, "schema", "[["), "not a schema"),
        (lambda client: client.hset(KEY, "schema", "[]"), "more than the 0 bytes"),
    ],
)
def test_damage_of_a_large_one_is_seen(client: Redis, damage: Any, problem: str) -> None:
    create(client, KEYS, "model:1", MODEL)
    damage(client)
    with pytest.raises(BlobError, match=problem):
        fetch(client, KEYS, "model:1")
