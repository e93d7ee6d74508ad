"""What the shipped access rules allow on a server, and what they refuse."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from fedredis import acl, keys
from fedredis.store import removal, runs, workers
from fedredis.store.master import MasterStore
from fedredis.store.results import RoundState, SubmissionState
from fedredis.store.slave import SlaveStore
from fedredis.store.workers import WorkerCard
from tests.fedredis.store.conftest import (
    JOB,
    MODEL,
    SCHEMA,
    TRAIN,
    claim,
    committal,
    config,
    hand,
    opening,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUEUE = "fedredis-pets-slave-1"
WORKER = f"{QUEUE}-0123abcd"
SLAVE = acl.slave("pets", "1", QUEUE, f"{QUEUE}__", kinds=("train", "evaluate"))


@pytest.fixture
def login(client: Redis) -> Iterator[Callable[[acl.Role], Redis]]:
    """Return a function that logs in as a role."""
    opened: list[Redis] = []

    def enter(role: acl.Role) -> Redis:
        rule = role.rule(hashlib.sha256(b"secret").hexdigest())
        client.execute_command("ACL", "SETUSER", *rule.split()[1:])
        path = client.connection_pool.connection_kwargs["path"]
        user: dict[str, Any] = {"username": role.user, "password": "secret", "protocol": 2}
        opened.append(Redis(unix_socket_path=path, **user))
        return opened[-1]

    yield enter
    for one in opened:
        one.close()
    client.acl_deluser(acl.MASTER, acl.VIEWER, QUEUE)


def slave_of(fenced: Redis, alone: str | None = "1", name: str = WORKER) -> SlaveStore:
    return SlaveStore(fenced, keys.RunKeys("r1"), worker=name, lease_ms=60_000, alone=alone)


MEMORIES: dict[str, Any] = {"memories": [[np.array([1, 2])]], "remembers": SCHEMA}


def test_a_run_under_the_rules(client, login):
    admin = login(acl.master())
    runs.create(admin, "r1", config(slaves=2, names=("1", "2")))
    master = MasterStore(admin, keys.RunKeys("r1"), token="me", lease_ms=60_000)
    master.acquire()
    reads = {"known": "preprocessing:0"}
    master.turn([], [opening(expected=2, quorum=1, reads=reads)])
    fenced = login(SLAVE)
    card = WorkerCard(WORKER, "h", 1, QUEUE, "pets", "{}", ("1",))
    workers.join(fenced, card)
    assert workers.present(admin) == [card]
    worker = slave_of(fenced)
    worker.attach(JOB)
    assert (worker.config(), worker.open_rounds().names) == (
        config(2, names=("1", "2")).to_json(),
        (TRAIN,),
    )
    held = claim(worker, ["1"], take_any=False, with_task=True)
    assert worker.artifact("preprocessing:0", "0") == {}
    worker.fail(held, "1", traceback="boom")
    held = claim(worker, ["1"], take_any=False)
    assert worker.memories(["1"], 1, SCHEMA) == [None]
    assert hand(worker, held, **MEMORIES).state is SubmissionState.COUNTED
    master.refuse(
        TRAIN, dict.fromkeys([called for _, called, _ in master.bundles({TRAIN: 0})], "why")
    )
    assert master.tend(TRAIN, JOB).state is RoundState.OPEN
    client.hset(keys.RunKeys("r1").round(TRAIN).round, "quorum", 0)
    client.hset(keys.RunKeys("r1").round(TRAIN).round, "deadline", 1)
    master.tend(TRAIN, JOB)
    master.turn([committal(0, artifacts=MODEL, warnings=("hm",))], [])
    worker.detach(JOB)
    workers.leave(fenced, WORKER)
    master.forget_memories(("1", "2"))
    viewer = login(acl.viewer())
    assert [state.round for state in runs.newest_first(viewer, print)] == [1]
    assert runs.history(viewer, "r1").keys() == {TRAIN}
    assert runs.warnings(viewer, "r1") == ["hm"]
    assert runs.artifact(viewer, "r1", "model:1") is not None
    master.release("finished")
    with pytest.raises(NoPermissionError):
        removal.remove(viewer, "r1", token="t")
    removal.remove(admin, "r1", token="t")
    assert not client.keys("fedredis:{*")
