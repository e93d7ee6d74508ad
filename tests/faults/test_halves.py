"""A script that is cut off in the server's file: Redis 7.0 leaves its first commands there, and
does them when it starts for the second time, beside those of the script that was sent again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from faults_server import until

from fedredis.connection import connect
from fedredis.keys import RoundName, RunKeys
from fedredis.store import steps
from fedredis.store.master import MasterStore
from fedredis.store.scripts import Batch

if TYPE_CHECKING:
    from redis import Redis

KEYS, TRAIN = RunKeys("r1"), RoundName("train", 1)
ROUND = KEYS.round(TRAIN)


def stage(client: Redis) -> None:
    batch = Batch(client, "a test")
    batch.stage("aside", [b"head", b"body"])
    batch.run()


def create(client: Redis) -> None:
    batch = Batch(client, "a test")
    keys = [KEYS.run, "runs", KEYS.everyone, KEYS.artifact("a"), KEYS.parts("a"), KEYS.lease]
    batch.script("create", keys, ["r1", "{}", "a", "{}", "1", "head", "token", 0, "0", "1"])
    batch.run()


def fail(client: Redis) -> None:
    batch = Batch(client, "a test")
    for slave in ("0", "1"):
        steps.fail(batch, KEYS, TRAIN, 1, "w", "too hot", [slave.encode()])
    batch.run()


def acquire(client: Redis) -> None:
    client.hset(KEYS.run, mapping={"config": "{}", "sequence": 1, "epoch": 0})
    client.delete(KEYS.lease)
    MasterStore(client, KEYS, token="a", lease_ms=60_000).acquire()


def written(site: Any, client: Redis) -> None:
    """Wait until all that was done is in the server's file, which may be behind."""
    client.set("written", 1)
    until(lambda: b"written" in site.server.file.read_bytes())


def looked(client: Redis) -> dict[str, Any]:
    """Return what the scripts above have written, but for times."""
    hashes = [ROUND.attempts, ROUND.round, KEYS.slave("0"), KEYS.slave("1"), KEYS.counts]
    found: dict[str, Any] = {key: client.hgetall(key) for key in hashes}
    return found | {key: client.lrange(key, 0, -1) for key in ("aside", KEYS.parts("a"))}


@pytest.mark.parametrize(
    ("script", "last"),
    [
        *((stage, word) for word in (b"RPUSH", b"PEXPIREAT")),
        *((create, word) for word in (b"ZADD", b"UNLINK", b"RPUSH")),
        *((fail, word) for word in (b"HDEL", b"given_up", b"failed")),
        *((acquire, word) for word in (b"sequence", b"XADD")),
    ],
)
def test_what_is_done_twice_by_halves_is_there_once(site, script, last):
    with connect(site.server.url) as client:
        fields = {"state": "open", "epoch": 1, "expected": 2, "given_up": 0, "quorum": 0}
        client.hset(ROUND.round, mapping={**fields, "attempts": 1})
        client.hset(ROUND.claims, mapping={"0": "w", "1": "w"})
        client.hset(KEYS.counts, mapping={"failed": 7, "accepted": 5, "masters": 1})
        begun = site.server.file.stat().st_size
        script(client)
        whole = looked(client)
        written(site, client)
    site.server.kill()
    done = site.server.file.read_bytes()
    at = done.index(last, begun)
    site.server.file.write_bytes(done[: at + len(last) // 2])
    for first in (True, False):
        site.server.start()
        with connect(site.server.url) as client:
            if first:
                script(client)
            assert looked(client) == whole
        site.server.kill()


def hand_in(client: Redis, told: str) -> None:
    batch = Batch(client, "a test")
    batch.stage("aside", [b"head", b"body", told.encode()])
    keys = [ROUND.round, ROUND.ids, ROUND.claims, ROUND.inside, ROUND.bundles, ROUND.attempts]
    keys += [KEYS.open, KEYS.events, KEYS.counts, "aside", ROUND.bundle("bundle:w:a-1")]
    batch.script("submit", [*keys, KEYS.memory("0")], ["train:5", 1, "bundle:w:a-1", 2, 4, "0"])
    batch.run()


@pytest.mark.parametrize("last", [b"memory", b"new", b"HDEL", b"RENAME", b":in\r"])
def test_what_a_slave_was_given_back_is_there_until_the_new_is(site, last):
    """It is read again when the round is done once more, after a second loss."""
    with connect(site.server.url) as client:
        client.hset(ROUND.round, mapping={"state": "open", "epoch": 1, "expected": 2})
        client.hset(KEYS.memory("0"), mapping={"3": "older", "4": "old", "6": "of a lost time"})
        begun = site.server.file.stat().st_size
        hand_in(client, "new")
        assert client.hgetall(KEYS.memory("0")) == {b"4": b"old", b"5": b"new"}
        written(site, client)
    site.server.kill()
    done = site.server.file.read_bytes()
    # What the script does is behind the parts that were staged for it.
    at = done.index(last, done.index(b"PEXPIREAT", begun))
    site.server.file.write_bytes(done[: at + len(last) // 2])
    for _ in range(2):
        site.server.start()
        with connect(site.server.url) as client:
            assert client.hget(KEYS.memory("0"), "4") == b"old"
            client.set("else", 1)
            client.mset({"more": 1})
        site.server.kill()
    site.server.start()
    with connect(site.server.url) as client:
        hand_in(client, "new")
        assert client.hgetall(KEYS.memory("0")) == {b"4": b"old", b"5": b"new"}
