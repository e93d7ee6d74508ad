from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from fedredis.codec import Schema
from fedredis.errors import BlobError
from fedredis.store.artifact import Artifact, fetch

if TYPE_CHECKING:
    from redis import Redis

ARRAYS = [np.arange(6.0).reshape(2, 3), np.array([7, -7])]
MODEL = Artifact(Schema.of(weights=ARRAYS[0], counts=ARRAYS[1]), ARRAYS)


@pytest.fixture
def key(fake: Redis) -> str:
    fake.hset("model", mapping=MODEL.to_fields())
    return "model"


def test_it_comes_back(fake: Redis, key: str) -> None:
    back = fetch(fake, key)
    assert back is not None
    assert list(back.named) == ["weights", "counts"]
    np.testing.assert_array_equal(back.named["weights"], ARRAYS[0])
    np.testing.assert_array_equal(back.named["counts"], ARRAYS[1])
    assert fake.hget(key, "schema") == b'[["weights", "<f8", [2, 3]], ["counts", "<i8", [2]]]'


def test_the_digest_is_that_of_the_bytes(fake: Redis, key: str) -> None:
    expected = hashlib.sha256(ARRAYS[0].tobytes() + ARRAYS[1].tobytes()).hexdigest()
    assert MODEL.sha256 == expected
    assert fetch(fake, key).sha256 == expected
    by_columns = Artifact(MODEL.schema, [np.asfortranarray(ARRAYS[0]), ARRAYS[1]])
    assert by_columns.sha256 == expected
    smallest_change = Artifact(MODEL.schema, [np.nextafter(ARRAYS[0], 9), ARRAYS[1]])
    assert smallest_change.sha256 != expected


@pytest.mark.parametrize("gone", [("schema",), ("blob",), ("schema", "blob")])
def test_what_is_not_there_whole_is_not_there(
    fake: Redis, key: str, gone: tuple[str, ...]
) -> None:
    fake.hdel(key, *gone)
    assert fetch(fake, key) is None


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
        fetch(fake, key)
