import threading
from dataclasses import replace

import pytest

from fedredis.store import workers
from fedredis.store.workers import PRESENCE_MS, WorkerCard

CARD = WorkerCard(
    name="fedredis-pets-0123abcd",
    host="host-1",
    pid=4321,
    queue="fedredis-pets",
    dataset="pets",
    manifest='{"rows": 9}',
    slaves=None,
    version="0.1.0",
)


@pytest.mark.parametrize("slaves", [None, ("3",), ("0", "2", "10"), ()])
def test_a_card_comes_back_as_it_was(client, slaves):
    card = replace(CARD, slaves=slaves)
    workers.join(client, card)
    assert workers.present(client) == [card]


def test_what_a_worker_leaves_in_redis(client):
    workers.join(client, CARD)
    key = "fedredis:worker:fedredis-pets-0123abcd"
    assert client.hgetall(key) == {
        b"name": b"fedredis-pets-0123abcd",
        b"host": b"host-1",
        b"pid": b"4321",
        b"queue": b"fedredis-pets",
        b"dataset": b"pets",
        b"manifest": b'{"rows": 9}',
        b"slaves": b"all",
        b"version": b"0.1.0",
    }
    assert 0 < client.pttl(key) <= PRESENCE_MS
    ((name, until),) = client.zrange("fedredis:workers", 0, -1, withscores=True)
    seconds, micros = client.time()
    assert name == b"fedredis-pets-0123abcd"
    assert 0 < until - (seconds * 1000 + micros // 1000) <= PRESENCE_MS
    assert 0 < client.pttl("fedredis:workers") <= PRESENCE_MS
    assert [entry for _, entry in client.xrange("fedredis:joined")] == [
        {b"worker": b"fedredis-pets-0123abcd"}
    ]


def test_announcing_again_prolongs_and_wakes_nobody(client):
    workers.join(client, CARD)
    key = "fedredis:worker:fedredis-pets-0123abcd"
    client.pexpire(key, 100)
    client.zadd("fedredis:workers", {CARD.name: 1})
    workers.announce(client, CARD, {})
    assert client.pttl(key) > 100
    assert client.zscore("fedredis:workers", CARD.name) > 1
    assert client.xlen("fedredis:joined") == 1


def test_vitals_stand_beside_the_card(client):
    workers.join(client, CARD)
    workers.announce(client, CARD, {"cpu_s": "1.25", "memory_mb": "80"})
    key = "fedredis:worker:fedredis-pets-0123abcd"
    assert client.hmget(key, "cpu_s", "memory_mb", "pid") == [b"1.25", b"80", b"4321"]
    assert workers.present(client) == [CARD]


def test_a_worker_that_is_silent_is_forgotten(client):
    for name in ("b", "a", "dead"):
        workers.join(client, replace(CARD, name=name))
    client.zadd("fedredis:workers", {"dead": 1})
    assert [card.name for card in workers.present(client)] == ["a", "b"]
    workers.announce(client, CARD, {})
    assert client.zscore("fedredis:workers", "dead") is None


def test_a_card_that_has_gone_before_its_name(client):
    workers.join(client, CARD)
    client.delete("fedredis:worker:fedredis-pets-0123abcd")
    assert workers.present(client) == []


def test_a_card_speaks_for_its_own_worker_alone(client):
    for name in ("a", "b"):
        workers.join(client, replace(CARD, name=name))
    client.hset("fedredis:worker:b", "name", "a")
    assert [card.name for card in workers.present(client)] == ["a"]


def test_only_some_are_looked_at(client):
    for name in ("a", "b", "c"):
        workers.join(client, replace(CARD, name=name))
    assert [card.name for card in workers.present(client, lambda name: name != "b")] == ["a", "c"]


def test_leave(client):
    workers.join(client, CARD)
    workers.leave(client, CARD.name)
    assert workers.present(client) == []
    assert client.keys("fedredis:worker*") == []


def test_waiting_for_one_that_joins(client):
    before = workers.last_join(client)
    assert before == b"0-0"
    assert workers.wait_for_join(client, before, 0) == before
    woken = []
    waiting = threading.Thread(
        target=lambda: woken.append(workers.wait_for_join(client, before, 10))
    )
    waiting.start()
    workers.join(client, CARD)
    waiting.join()
    assert woken == [workers.last_join(client)] != [before]


@pytest.mark.parametrize(
    "slaves", ["[" * 50_000, "{}", "[1]", '[["a"]]', "null", "", "7", '{"a": 1}']
)
def test_a_hostile_card_is_none(client, slaves):
    for name in ("a", "b"):
        workers.join(client, replace(CARD, name=name))
    client.hset("fedredis:worker:b", "slaves", slaves)
    assert [card.name for card in workers.present(client)] == ["a"]
    client.delete("fedredis:worker:b")
    client.set("fedredis:worker:b", "planted")
    assert [card.name for card in workers.present(client)] == ["a"]


def test_lists_of_another_kind_keep_nobody_away(client):
    for key in ("fedredis:workers", "fedredis:joined"):
        client.set(key, "planted")
    before = workers.last_join(client)
    assert workers.present(client) == workers.seen(client) == []
    for key in ("fedredis:workers", "fedredis:joined"):
        client.set(key, "planted")
    assert workers.wait_for_join(client, before, 0) == before
    workers.join(client, CARD)
    assert workers.wait_for_join(client, before, 0) > before
    assert workers.present(client) == [CARD]


def test_one_that_takes_the_last_id_keeps_nobody_from_joining(client):
    before = workers.last_join(client)
    client.xadd("fedredis:joined", {"worker": "x"}, id=f"{2**64 - 1}-{2**64 - 1}")
    assert workers.wait_for_join(client, before, 0) == before
    client.xadd("fedredis:joined", {"worker": "x"}, id=f"{2**64 - 1}-{2**64 - 1}")
    workers.join(client, CARD)
    assert workers.wait_for_join(client, before, 1) == workers.last_join(client) > before
    assert workers.present(client) == [CARD]
