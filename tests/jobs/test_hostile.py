"""Jobs, and what else whoever can write to Redis puts on a queue: none of it ends a worker."""

from __future__ import annotations

import json
import logging
import random
import zlib
from typing import TYPE_CHECKING

import pytest
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from fedredis.jobs.inputs import Folder, Inputs
from fedredis.jobs.naming import queue_name
from fedredis.jobs.worker import FedredisWorker, make_card
from tests.jobs.conftest import open_round

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from redis import Redis

    from fedredis.data.manifest import Manifest
    from fedredis.keys import RunKeys
    from fedredis.store.master import MasterStore

STATISTICS = "fedredis.jobs.statistics"
#: Fields that RQ reads of a job.
FIELDS = (
    *("data", "created_at", "origin", "description", "enqueued_at", "started_at", "ended_at"),
    *("last_heartbeat", "worker_name", "timeout", "result_ttl", "failure_ttl", "status", "ttl"),
    *("success_callback_name", "success_callback_timeout", "failure_callback_name", "webhooks"),
    *("stopped_callback_name", "stopped_callback_timeout", "dependency_ids", "dependency_id"),
    *("allow_dependency_failures", "enqueue_at_front", "meta", "number_of_retries", "exc_info"),
    *("retries_left", "retry_intervals", "enqueue_at_front_on_retry", "repeats_left", "group_id"),
    *("repeat_intervals", "rate_limit_key", "rate_limit_concurrency", "result"),
)
VALUES = (
    *(b"", b"0", b"-1", b"1", b"1.5"),
    *(b"true", b"null", b"[]", b"{}", b"\xff\xfe", b"\x00", b"x" * 999),
    *(str(1 << 31).encode(), str(-(1 << 63)).encode(), str(1 << 64).encode(), b"9" * 5000),
    *(b"no date", b"2020-13-45T99:99:99.9Z", b"9999-12-31T23:59:59.999999Z", b"[1, [2]]"),
    *(b"queued", b"scheduled", b'["os.system"]', b'{"run": 1}', b"[" * 5000, b"nan", b"1e999"),
)


pytestmark = pytest.mark.usefixtures("handlers")


@pytest.fixture
def queue(client: Redis, manifest: Manifest) -> Queue:
    name = queue_name(manifest.dataset, None)
    return Queue(name, connection=client, serializer=JSONSerializer)


@pytest.fixture
def serves_on(
    client: Redis,
    rq_client: Redis,
    folder: Path,
    manifest: Manifest,
    queue: Queue,
    keys: RunKeys,
    master: MasterStore,
) -> Callable[..., None]:
    """Return a check: behind all that is on the queue, a round is served as ever."""

    def check(level: str = "CRITICAL") -> None:
        open_round(master)
        kwargs = {"run": keys.run_id, "round": "statistics:1"}
        job = queue.enqueue_call(STATISTICS, kwargs=kwargs)
        there = Folder(folder, manifest)
        serving = FedredisWorker(client, rq_client, make_card(there), Inputs(there))
        serving.work(burst=True, logging_level=level)
        assert client.llen(queue.key) == 0
        fetched = Job.fetch(job.id, connection=client, serializer=JSONSerializer)
        assert fetched.get_status().value == "finished"
        assert fetched.return_value()["counted"] == {"statistics": 4}
        # RQ's maintenance, some minutes later.
        client.delete(f"rq:clean_registries:{queue.name}", *client.scan_iter("rq:*lock*"))
        serving.run_maintenance_tasks()
        assert client.llen(f"{queue.key}:intermediate") == 0

    return check


@pytest.mark.parametrize(
    "seeds", [range(150), pytest.param(range(150, 2000), marks=pytest.mark.soak)]
)
def test_mutated_jobs(client, queue, serves_on, seeds):
    for seed in seeds:
        rng = random.Random(seed)
        job = queue.enqueue_call(STATISTICS, kwargs={"run": "r9", "round": "statistics:1"})
        key = f"rq:job:{job.id}"
        for _ in range(rng.randint(1, 3)):
            name, value = rng.choice(FIELDS), rng.choice(VALUES)
            if name == "data":
                call = [STATISTICS, None, [], {"run": "r9", "round": "train:1"}]
                odd = (None, 1, "", [], {}, "a" * 99, {"run": [1]}, [[]], {"run": "r9", "x": 1})
                call[rng.randrange(4)] = rng.choice(odd)
                value = rng.choice((value, zlib.compress(value), json.dumps(call).encode()))
            client.hset(key, name, value)
        if rng.random() < 0.1:
            client.hdel(key, rng.choice(FIELDS))
    serves_on()


def test_what_is_no_job_at_all(client, queue, serves_on):
    for odd in (b"", b"\xff\xfe", b"a:b", b"x" * 9999, b"../..", b"{}", b"a b", b"nothing"):
        client.rpush(queue.key, odd)
    for name, value in (("text", b"x"), ("list", [b"x"]), ("hash", {"a": b"\xff"})):
        key = f"rq:job:{name}"
        if isinstance(value, bytes):
            client.set(key, value)
        elif isinstance(value, list):
            client.rpush(key, *value)
        else:
            client.hset(key, mapping=value)
        client.rpush(queue.key, name)
    client.rpush(f"{queue.key}:intermediate", b"\xff")
    serves_on()


def test_what_is_wrong_with_a_job_is_said_in_a_line(client, queue, serves_on, caplog):
    gone = {"run": "r9", "round": "train:1"}
    queue.enqueue_call("fedredis.jobs.train", kwargs=gone, job_id="gone")
    queue.enqueue_call("os.getcwd", job_id="forbidden")
    queue.enqueue_call("os.getcwd", job_id="unread")
    client.hset("rq:job:unread", "data", "1.5")
    with caplog.at_level(logging.WARNING):
        serves_on("WARNING")
    said = sorted(r.getMessage() for r in caplog.records if r.getMessage().startswith("job "))
    assert said == [
        "job forbidden is over: 'os.getcwd' is not on the allow-list",
        "job gone is over: there is no run r9",
        "job unread is over: it can't be read",
    ]


def test_no_job_is_tried_again_or_waits_for_another(client, queue, serves_on):
    job = queue.enqueue_call("os.getcwd")
    told = {"retries_left": 1 << 31, "number_of_retries": 1 << 31, "repeats_left": 9}
    client.hset(f"rq:job:{job.id}", mapping=told)
    serves_on()
    fetched = Job.fetch(job.id, connection=client, serializer=JSONSerializer)
    assert fetched.get_status().value == "failed"
