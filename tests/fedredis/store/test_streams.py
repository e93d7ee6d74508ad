from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from fedredis.store.streams import START, last_id, read

if TYPE_CHECKING:
    from redis import Redis


def test_an_empty_stream(client: Redis) -> None:
    assert last_id(client, "s") == START
    assert read(client, "s", START, seconds=0, count=10) == []


def test_reading_on(client: Redis) -> None:
    ids = [client.xadd("s", {"n": n}) for n in range(3)]
    assert last_id(client, "s") == ids[2]
    assert read(client, "s", START, seconds=0, count=2) == [
        (ids[0], {b"n": b"0"}),
        (ids[1], {b"n": b"1"}),
    ]
    assert read(client, "s", ids[1], seconds=10, count=2) == [(ids[2], {b"n": b"2"})]
    assert read(client, "s", ids[2], seconds=0.001, count=2) == []


def test_a_reader_is_woken_by_the_first_entry(client: Redis) -> None:
    read_by_then: list[object] = []
    reader = threading.Thread(
        target=lambda: read_by_then.append(read(client, "s", START, seconds=10, count=5))
    )
    reader.start()
    entry = client.xadd("s", {"n": 1})
    reader.join()
    assert read_by_then == [[(entry, {b"n": b"1"})]]
