"""Lists of parts on a real server: in order, one in memory at a time, and never for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fedredis.store import parts

if TYPE_CHECKING:
    from redis import Redis

PARTS = [b"head", b"first", b"", b"third\0\xff", b"first"]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_what_is_written_is_read_in_order(client: Redis, count: int) -> None:
    parts.write(client, "list", iter(PARTS[:count]))
    assert client.lrange("list", 0, -1) == PARTS[:count]
    assert list(parts.read(client, "list")) == PARTS[:count]


def test_a_list_that_nobody_accepts_ends_by_itself(client: Redis) -> None:
    parts.write(client, "list", PARTS)
    assert 0 < client.ttl("list") <= parts.STAGED_TTL


def test_it_would_end_from_the_first_part_on(client: Redis) -> None:
    """Its writer may die at any part."""
    lives: list[int] = []

    def noting() -> Any:
        for at, part in enumerate(PARTS):
            if at > 2:
                lives.append(client.ttl("list"))
            yield part

    parts.write(client, "list", noting())
    assert len(lives) == 2
    assert all(0 < life <= parts.STAGED_TTL for life in lives)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_list_is_written_anew(client: Redis, count: int) -> None:
    parts.write(client, "list", PARTS)
    client.expire("list", 10)
    parts.write(client, "list", PARTS[:count])
    assert list(parts.read(client, "list")) == PARTS[:count]
    assert client.ttl("list") > 10


def test_what_was_no_list_is_written_over(client: Redis) -> None:
    client.set("list", b"a string")
    parts.write(client, "list", PARTS)
    assert list(parts.read(client, "list")) == PARTS


def test_a_list_that_is_not_there_has_no_parts(client: Redis) -> None:
    assert list(parts.read(client, "list")) == []


def test_parts_are_made_as_they_are_written(client: Redis) -> None:
    """None is asked for before the one before the last is on the server."""
    there: list[int] = []

    def noting() -> Any:
        for part in PARTS:
            there.append(client.llen("list"))
            yield part

    parts.write(client, "list", noting())
    assert there == [0, 0, 2, 3, 4]


def test_parts_are_fetched_as_they_are_read(
    client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[int] = []
    lindex = client.lindex

    def noting(key: str, index: int) -> Any:
        fetched.append(index)
        return lindex(key, index)

    monkeypatch.setattr(client, "lindex", noting)
    parts.write(client, "list", PARTS)
    reading = parts.read(client, "list")
    for count, part in enumerate(PARTS, 1):
        assert next(reading) == part
        assert fetched == list(range(2, count))


@pytest.mark.parametrize("after", [2, 3, 4])
def test_a_list_that_is_dropped_while_it_is_read_ends_there(client: Redis, after: int) -> None:
    parts.write(client, "list", PARTS)
    reading = parts.read(client, "list")
    read = [next(reading) for _ in range(after)]
    client.delete("list")
    assert [*read, *reading] == PARTS[:after]


@pytest.mark.parametrize("at", [2, 3, 4])
def test_a_part_that_is_sent_again_is_written_once(
    client: Redis, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """As it is when the answer was lost on the way: a client tries again by itself."""
    rpush = client.rpush

    def losing_an_answer(key: str, *values: bytes) -> Any:
        if client.llen(key) == at:
            rpush(key, *values)
        return rpush(key, *values)

    monkeypatch.setattr(client, "rpush", losing_an_answer)
    parts.write(client, "list", PARTS)
    assert client.lrange("list", 0, -1) == PARTS


def test_of_a_list_that_was_lost_on_the_way_nothing_is_left_to_accept(client: Redis) -> None:
    def losing() -> Any:
        yield from PARTS[:3]
        client.delete("list")
        yield from PARTS[3:]

    parts.write(client, "list", losing())
    assert not client.exists("list")
