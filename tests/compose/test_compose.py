"""The services of docker-compose.yml, run as processes: cut, serve, train, watch, stop."""

from __future__ import annotations

import json
import os
import pickle
import signal
from typing import TYPE_CHECKING, Any

import pytest
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from rq import Queue
from rq.job import Job

from fedredis.connection import connect
from fedredis.exchanges import KINDS
from fedredis.keys import RUNS
from fedredis.store import workers
from fedredis.store.replies import texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from redis import Redis

    Composition = Any

SLAVES = 3


def eventually(check: Callable[[], Any], *errors: type[Exception]) -> Any:
    """Try until it succeeds, for ten seconds at most."""
    retry: Any = Retry(ConstantBackoff(0.1), 100, errors or (AssertionError,))
    return retry.call_with_retry(check, lambda _: None)


def wait_for_workers(client: Redis, count: int) -> list[str]:
    """Block until so many workers have come; return their names."""
    cursor = workers.last_join(client)
    while len(cards := workers.present(client)) < count:
        cursor = workers.wait_for_join(client, cursor, 10)
    return [card.name for card in cards]


@pytest.fixture(scope="module")
def up(compose: Callable[..., Composition]) -> Iterator[Composition]:
    """Do what `docker compose up --scale slave=3` does; stopped, all must have ended well."""
    composition = compose(FEDREDIS_SLAVES=str(SLAVES))
    composition.start("redis")
    partition = composition.start("partition")
    with connect(composition.url) as client:
        client.ping()
        composition.finish(partition)
        composition.start("dashboard")
        for _ in range(SLAVES):
            composition.start("slave")
        wait_for_workers(client, SLAVES)
        eventually(lambda: composition.look("queues"), ConnectionError)
        yield composition
    codes = composition.stop()
    assert set(codes["slave"]) == {0}
    assert codes["redis"] == [0]
    assert codes["dashboard"] == [-signal.SIGTERM]


@pytest.fixture
def client(up: Composition) -> Iterator[Redis]:
    with connect(up.url) as connected:
        yield connected


def test_train_and_look_at_the_jobs(up: Composition) -> None:
    outcome = json.loads(up.finish(up.start("master", "--rounds", "3", "--json")))
    assert outcome["slaves"] == SLAVES
    assert outcome["rounds"] == 3
    assert outcome["accuracy"] > 0.5

    seen = eventually(lambda: all_workers(up))
    (queue,) = {name for worker in seen for name in worker["queues"]}
    assert queue in [known["name"] for known in up.look("queues")["queues"]]
    # The last job ends a second after the run: it has waited for more work.
    jobs = eventually(lambda: finished_jobs(up, queue, outcome["run"]))
    job = up.look(f"job/{jobs[0]['id']}")
    assert job["status"] == "finished"
    assert job["result"]["worker"] in [worker["name"] for worker in seen]


def all_workers(up: Composition) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = up.look("workers")["workers"]
    assert len(seen) == SLAVES
    return seen


def finished_jobs(up: Composition, queue: str, run: str) -> list[dict[str, Any]]:
    """List a run's finished jobs; there must be some of each kind."""
    everything = up.look(f"jobs/{queue}/finished/1000/asc/1")["jobs"]
    jobs: list[dict[str, Any]] = [job for job in everything if run in job["description"]]
    names = {job["description"].partition("(")[0] for job in jobs}
    # Trees are grown, and questions asked, in other runs.
    assert names == {f"fedredis.jobs.{kind}" for kind in KINDS} - {
        "fedredis.jobs.grow",
        "fedredis.jobs.inference",
    }
    return jobs


def test_a_busy_worker_shows_its_job_and_the_master_can_be_stopped(
    up: Composition, client: Redis
) -> None:
    before = set(texts(client.zrange(RUNS, 0, -1)))
    master = up.start("master", "--rounds", "1000000")

    def busy() -> dict[str, Any]:
        (run,) = set(texts(client.zrange(RUNS, 0, -1))) - before
        current = [worker["current_job"] for worker in up.look("workers")["workers"]]
        jobs = [job for job in current if job != "idle" and run in job["description"]]
        job, *_ = [job for job in jobs if "jobs.train(" in job["call_string"]]
        found: dict[str, Any] = job
        return found

    job = eventually(busy, ValueError)
    assert up.look(f"job/{job['job_id']}")["status"] == "started"
    status, page = up.fetch("/0/view/workers")
    assert status == 200
    assert "RQ dashboard" in page
    master.terminate()
    up.finish(master, 130)


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.trace),)


def test_the_dashboard_unpickles_nothing(up: Composition, client: Redis, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    queue = Queue("evil", connection=client)
    job = queue.enqueue_call("os.getcwd", args=(Evil(trace),), meta={"evil": Evil(trace)})
    client.hset(job.key, "result", pickle.dumps(Evil(trace)))
    Job.fetch(job.id, connection=client)
    trace.rmdir()  # so it does work on who unpickles

    lists = ["/", "/0/view/jobs/evil/queued/8/asc/1", "/0/data/jobs/evil/queued/8/asc/1.json"]
    assert [up.fetch(page)[0] for page in lists] == [200, 200, 200]
    up.fetch(f"/0/view/job/{job.id}")
    up.fetch(f"/0/data/job/{job.id}.json")
    up.fetch(f"/job/{job.id}/requeue", "POST")
    assert not trace.exists()


def test_nothing_can_be_deleted_in_the_dashboard(up: Composition, client: Redis) -> None:
    job = Queue("kept", connection=client).enqueue_call("os.getcwd")
    assert json.loads(up.fetch(f"/job/{job.id}/delete", "POST")[1]) == {"status": "DISABLED"}
    assert client.exists(job.key)


def test_a_slave_that_is_stopped_takes_its_worker_along(up: Composition, client: Redis) -> None:
    before = set(wait_for_workers(client, SLAVES))
    slave = up.start("slave")
    (name,) = set(wait_for_workers(client, SLAVES + 1)) - before

    def process() -> int:
        (pid,) = [known["pid"] for known in up.look("workers")["workers"] if known["name"] == name]
        found: int = pid
        return found

    pid = eventually(process, ValueError)
    os.kill(pid, 0)
    slave.terminate()
    up.finish(slave)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert {known["name"] for known in up.look("workers")["workers"]} == before
    assert {card.name for card in workers.present(client)} == before


def test_own_data_is_cut_when_it_is_given(
    compose: Callable[..., Composition], tmp_path: Path
) -> None:
    table = tmp_path / "own.csv"
    table.write_text("a,b,kind\n" + "".join(f"{n},{n % 3},{n % 2}\n" for n in range(20)))
    composition = compose(
        FEDREDIS_DATA=str(table),
        FEDREDIS_DATASET="own",
        FEDREDIS_SLAVES="2",
        FEDREDIS_PARTITION_ARGS="--label kind",
    )
    for _ in range(2):  # `up` runs it each time
        composition.finish(composition.start("partition"))
    (folder,) = (composition.folder / "partitions").iterdir()
    assert folder.name == "own-2"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["label"], manifest["slaves"], manifest["rows"]) == ("kind", 2, 20)
