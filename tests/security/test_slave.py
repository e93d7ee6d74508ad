"""What a slave is refused under the shipped rules, asked by a client with its password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import NoPermissionError, ResponseError
from rq import Queue
from rq.serializers import JSONSerializer

from fedredis.arrays import Bundle, Schema
from fedredis.connection import check
from fedredis.errors import RedisUnavailableError
from fedredis.jobs.naming import job_id, worker_name
from fedredis.keys import RoundName, RunKeys
from fedredis.keys import worker as worker_key
from fedredis.rounds.master import create_run
from fedredis.store.master import MasterStore
from fedredis.store.results import SubmissionState
from fedredis.store.slave import Ask, Claim, Handed, SlaveStore
from fedredis.store.turns import Opening

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

ROUND, LATER = RoundName("train", 1), RoundName("train", 10)


@dataclass(frozen=True)
class Scene:
    """A run with an open round, slave 1 and 2 with a job each; seen by slave 1's worker."""

    keys: RunKeys
    slave: Redis
    store: SlaveStore
    #: By word: keys, queues, jobs and workers of slave 1 and of slave 2.
    names: dict[str, str]

    def words(self, text: str) -> list[str]:
        """Make a command of its text, in which names stand in braces."""
        return [word.format(**self.names) for word in text.split()]


@pytest.fixture
def scene(fenced, admin: Redis, login: Callable[[str], Redis]) -> Scene:
    run_id = create_run(login(fenced.master_url), fenced.config())
    keys, names = RunKeys(run_id), {}
    master = MasterStore(login(fenced.master_url), keys, token="me", lease_ms=60_000)
    master.acquire()
    asked = {"expected": 3, "quorum": 3, "timeout_ms": 60_000, "attempts": 3}
    reads = {"known": "preprocessing:0"}
    master.turn([], [Opening(n, "train", None, **asked, reads=reads) for n in (ROUND, LATER)])
    for who, slave in (("my", 1), ("your", 2), ("twelfth", 12)):
        queue = f"fedredis-{fenced.manifest.dataset}-slave-{slave}"
        job, worker = job_id(queue, run_id, "train"), worker_name(queue)
        named = {
            "update": keys.round(ROUND).bundle(f"update:{slave}"),
            "later": keys.round(LATER).bundle(f"update:{slave}"),
            "memory": keys.memory(str(slave)),
            "slave": keys.slave(str(slave)),
            "queue": f"rq:queue:{queue}",
            "intermediate": f"rq:queue:{queue}:intermediate",
            "failed": f"rq:failed:{queue}",
            "wip": f"rq:wip:{queue}",
            "job": f"rq:job:{job}",
            "results": f"rq:results:{job}",
            "executions": f"rq:executions:{job}",
            "execution": f"rq:execution:{job}:e",
            "worker": f"rq:worker:{worker}",
            "card": worker_key(worker),
        }
        names.update({f"{who}_{name}": key for name, key in named.items()})
        for key in ("update", "later"):
            admin.rpush(named[key], b"theirs")
        for key in ("slave", "memory", "job", "worker", "card", "execution"):
            admin.hset(named[key], "x", "theirs")
        admin.lpush(named["queue"], job)
        admin.zadd(named["failed"], {job: 1})
        admin.xadd(named["results"], {"x": "theirs"})
    round_keys = keys.round(ROUND)
    names |= {
        "run": keys.run,
        "lease": keys.lease,
        "history": keys.history,
        "slaves": keys.slaves,
        "warnings": keys.warnings,
        "everyone": keys.everyone,
        "model": keys.artifact("model:0"),
        "next_model": keys.artifact("model:1"),
        "preprocessing": keys.artifact("preprocessing:0"),
        "task": round_keys.task,
        "bundle": round_keys.bundle("bundle:w:1"),
    }
    client = login(fenced.slave_url(1))
    worker = worker_name(fenced.queue(1))
    store = SlaveStore(client, keys, worker=worker, lease_ms=60_000, alone="1")
    return Scene(keys, client, store, names)


@pytest.fixture
def refused(scene: Scene, admin: Redis) -> Callable[..., None]:
    """Return a function that sees that commands are refused and have changed nothing."""

    def state() -> dict[bytes, Any]:
        return {key: admin.dump(key) for key in admin.scan_iter(count=1000)}

    def refused(*commands: str) -> None:
        before, allowed = state(), []
        for command in commands:
            try:
                scene.slave.execute_command(*scene.words(command))
            except NoPermissionError:
                continue
            allowed.append(command)
        assert allowed == []
        assert state() == before

    return refused


@pytest.mark.parametrize("whose", ["your", "twelfth"])
def test_what_is_another_slaves(refused, whose):
    """Neither read nor written, not even where the other's number begins with one's own."""
    commands = (
        *("RPUSH {_update} mine", "LRANGE {_update} 0 -1", "DEL {_update}", "LLEN {_update}"),
        *("RPUSH {_later} mine", "LRANGE {_later} 0 -1", "EXPIRE {_update} 1"),
        *("HSET {_memory} x mine", "HGETALL {_memory}"),
        *("HSET {_slave} x mine", "HGETALL {_slave}", "DEL {_slave}"),
        *("LPUSH {_queue} mine", "LRANGE {_queue} 0 -1", "DEL {_queue}", "LLEN {_queue}"),
        "BLMOVE {_queue} {my_queue} LEFT RIGHT 1",
        "LMOVE {my_queue} {_queue} LEFT RIGHT",
        "LPUSH {_intermediate} mine",
        *("HSET {_job} data mine", "HGETALL {_job}", "DEL {_job}", "HSET {_execution} x mine"),
        *("XADD {_results} * x mine", "XRANGE {_results} - +", "XREAD STREAMS {_results} 0"),
        *("ZADD {_executions} 1 mine", "ZRANGE {_failed} 0 -1", "ZADD {_wip} 1 mine"),
        *("HSET {_worker} x mine", "HGETALL {_worker}", "DEL {_worker}"),
        *("HSET {_card} x mine", "HGETALL {_card}", "DEL {_card}"),
    )
    refused(*(command.replace("{_", f"{{{whose}_") for command in commands))


def test_what_is_the_masters(refused):
    refused(
        *("HSET {model} blob mine", "DEL {model}", "HSET {next_model} blob mine"),
        *("SET {model} mine", "EXPIRE {model} 1", "HSET {preprocessing} blob mine"),
        *("HSET {run} status mine", "HINCRBY {run} epoch 1", "DEL {run}", "PERSIST {run}"),
        *("SET {lease} mine", "DEL {lease}", "GET {lease}"),
        *("HSET {history} train:1 mine", "DEL {history}", "HGETALL {history}"),
        *("HSET {slaves} train []", "RPUSH {warnings} mine", "ZADD {everyone} 1 mine"),
        *("HSET {task} reads mine", "DEL {task}", "RPUSH {bundle} mine", "LRANGE {bundle} 0 -1"),
        *("ZADD fedredis:runs 1 mine", "ZRANGE fedredis:runs 0 -1", "DEL fedredis:runs"),
        *("SET fedredis:other mine", "SET other mine", "GET other"),
        "XRANGE fedredis:joined - +",
        *("SADD rq:groups mine", "SADD rq:rl-keys mine", "SET rq:suspended 1"),
    )


def test_what_is_nobodys(refused):
    refused(
        *("KEYS *", "SCAN 0", "RANDOMKEY", "DBSIZE", "FLUSHALL", "FLUSHDB", "SWAPDB 0 1"),
        *("CONFIG GET *", "CONFIG SET dir /tmp", "ACL LIST", "ACL WHOAMI", "ACL SETUSER x on"),
        *("EVAL return{{}} 0", "EVAL_RO return{{}} 0", "EVALSHA_RO 0 0", "SCRIPT FLUSH"),
        *("SCRIPT KILL", "FUNCTION LIST", "FUNCTION FLUSH", "FUNCTION LOAD x", "FCALL x 0"),
        *("MONITOR", "CLIENT KILL TYPE normal", "CLIENT LIST", "CLIENT PAUSE 1000"),
        *("CLIENT TRACKING on BCAST", "SHUTDOWN NOSAVE", "SAVE", "BGSAVE", "MODULE LIST"),
        *("REPLICAOF NO ONE", "SLOWLOG GET", "LATENCY LATEST", "MEMORY STATS"),
        *("PUBLISH rq:pubsub:x shutdown", "SUBSCRIBE x", "PSUBSCRIBE *", "PUBSUB CHANNELS"),
        *("SORT {my_queue}", "MIGRATE h 1 k 0 1", "DUMP {my_update}", "RESTORE {my_update} 0 x"),
        *("COPY {my_update} {your_update}", "RENAME {my_update} {your_update}", "OBJECT HELP"),
    )


def test_a_script_of_its_own_reaches_no_further(scene, admin):
    """Loading scripts is allowed, as ours have to be loaded; what they touch is looked at."""
    keys = list(admin.scan_iter(count=1000))
    before = [admin.dump(key) for key in keys]
    for call in (
        "'SET', '{your_update}', 'mine'",
        "'GET', '{your_update}'",
        "'HSET', '{model}', 'blob', 'mine'",
        "'HSET', '{run}', 'epoch', '9'",
        "'LPUSH', '{your_queue}', 'mine'",
        "'FLUSHALL'",
        "'CONFIG', 'GET', 'requirepass'",
        "'PUBLISH', 'x', 'y'",
    ):
        sha = scene.slave.script_load(f"return redis.call({call.format(**scene.names)})")
        with pytest.raises(ResponseError, match=r"ACL failure|user executing|not allowed from"):
            scene.slave.evalsha(sha, 0)
        with pytest.raises(NoPermissionError):
            scene.slave.evalsha(sha, 1, scene.names["your_update"])
    assert [admin.dump(key) for key in keys] == before


def claimed(scene: Scene, *wishes: str) -> Claim:
    asked = Ask(ROUND, "train", wishes, take_any=False, most=2, least=2)
    (claim,) = scene.store.visit([], [asked]).claims
    assert claim is not None
    assert claim.slaves == wishes
    return claim


def handed(claim: Claim, *slaves: str) -> Handed:
    return Handed(claim, Bundle(slaves, (1,) * len(slaves), []), Schema(()))


def test_the_shipped_scripts_reach_no_further(scene, fenced, admin):
    """A claim on another slave can be had; its update can't be handed in, nor its failure."""
    admin.delete(scene.names["my_update"], scene.names["your_update"])
    claim = claimed(scene, "2", "1")
    worker = worker_name(fenced.queue(1))
    for alone in ("2", None):
        store = SlaveStore(scene.slave, scene.keys, worker=worker, lease_ms=1, alone=alone)
        for slaves in (["2"], ["1", "2"]):
            with pytest.raises(NoPermissionError):
                store.visit([handed(claim, *slaves)], [])
    with pytest.raises(NoPermissionError):
        scene.store.fail(claim, "2", traceback="mine")
    with pytest.raises(NoPermissionError):
        scene.slave.rename(scene.names["my_slave"], scene.names["your_update"])
    assert not admin.exists(scene.names["your_update"])
    assert admin.hget(scene.names["your_slave"], "error") is None
    (answer,) = scene.store.visit([handed(claim, "1")], []).submissions
    assert answer.state is SubmissionState.COUNTED
    assert admin.llen(scene.names["my_update"]) == 2


def test_a_crafted_run_names_no_more_keys(scene):
    """A run's id is part of its keys, and a key is no pattern: what it means stays the same."""
    for name in (
        *("*", "1*", "[0-9]", "?", "\\1", "1:update:2", "in", "ids", "²", ""),
        "}:round:train:1:update:{1",
    ):
        keys = RunKeys(name)
        for key in (
            keys.artifact("model:0"),
            keys.slave("2"),
            keys.round(ROUND).bundle("update:2"),
        ):
            with pytest.raises(NoPermissionError):
                scene.slave.hset(key, "x", "mine")
        scene.slave.hset(keys.slave("1"), "x", "mine")


def test_a_job_for_another_slave_cannot_be_sent(fenced, scene):
    for name in (fenced.queue(2), f"fedredis-{fenced.manifest.dataset}", "default"):
        queue = Queue(name, connection=scene.slave, serializer=JSONSerializer)
        with pytest.raises(NoPermissionError):
            queue.enqueue_call("os.getcwd", job_id=f"{name}_x")


def test_passwords_are_needed(fenced):
    there = f"127.0.0.1:{fenced.port}"
    for url in (
        f"redis://{there}",
        f"redis://:guess@{there}",
        f"redis://{fenced.queue(1)}:guess@{there}",
        fenced.slave_url(1).replace("slave-1:", "slave-2:"),
    ):
        with pytest.raises(RedisUnavailableError, match=r"(?i)password|authentication"):
            check(url)
