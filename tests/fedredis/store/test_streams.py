import threading

import pytest
from redis.exceptions import NoPermissionError

from fedredis.errors import FedredisError
from fedredis.store.streams import START, last_id, read, reading


def test_an_empty_stream(client):
    assert last_id(client, "s") == START
    assert read(client, "s", START, seconds=0, count=10) == []


def test_reading_on(client):
    ids = [client.xadd("s", {"n": n}) for n in range(3)]
    assert last_id(client, "s") == ids[2]
    assert read(client, "s", START, seconds=0, count=2) == [
        (ids[0], {b"n": b"0"}),
        (ids[1], {b"n": b"1"}),
    ]
    assert read(client, "s", ids[1], seconds=10, count=2) == [(ids[2], {b"n": b"2"})]
    assert read(client, "s", ids[2], seconds=0.001, count=2) == []


def test_a_reader_is_woken_by_the_first_entry(client):
    read_by_then = []
    reader = threading.Thread(
        target=lambda: read_by_then.append(read(client, "s", START, seconds=10, count=5))
    )
    reader.start()
    entry = client.xadd("s", {"n": 1})
    reader.join()
    assert read_by_then == [[(entry, {b"n": b"1"})]]


@pytest.mark.parametrize("how", [["ERROR"], []])
def test_a_server_that_sends_a_reader_away_has_no_news(client, how):
    answers = []

    def reading():
        with client.client() as same:
            ids.append(same.client_id())
            ready.set()
            answers.append(read(same, "s", START, seconds=10, count=5))

    ids = []
    ready = threading.Event()
    reader = threading.Thread(target=reading)
    reader.start()
    assert ready.wait(10)
    # It is sent away as soon as it blocks.
    while not client.execute_command("CLIENT", "UNBLOCK", ids[0], *how):
        assert reader.is_alive()
    reader.join()
    assert answers == [[]]


@pytest.mark.parametrize("look", [last_id, lambda *at: read(*at, START, seconds=0, count=5)])
def test_what_is_no_stream_is_removed_by_who_may(client, look):
    client.set("s", "a string")
    for refused, error in (("-unlink", FedredisError), ("-@read", NoPermissionError)):
        rules = {"enabled": True, "nopass": True, "keys": ["*"], "commands": ["+@all", refused]}
        client.acl_setuser("visitor", reset=True, **rules)
        with client.client() as visitor:
            visitor.execute_command("AUTH", "visitor", "")
            with pytest.raises(error):
                look(visitor, "s")
            visitor.connection.disconnect()
        assert client.get("s") == b"a string"
    client.acl_deluser("visitor")
    assert look(client, "s") in (START, [])
    assert not client.exists("s")


@pytest.mark.parametrize(
    ("seconds", "block"),
    [(0, ()), (-1, ()), (0.0001, (1,)), (0.0011, (2,)), (0.5, (500,)), (2, (2000,))],
)
def test_a_wait_is_never_for_ever(seconds, block):
    # 0 would be for ever; a wait that ends too early would be one for nothing.
    command = reading("s", START, seconds=seconds, count=5)
    assert command == (
        "XREAD",
        "COUNT",
        5,
        *(("BLOCK", *block) if block else ()),
        "STREAMS",
        "s",
        START,
    )
