from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

import pytest

from fedredis import __version__
from fedredis.jobs import dispatch
from fedredis.jobs.dispatch import ON_ITS_WAY, WORKERS_KNOWN, Dispatcher
from fedredis.jobs.naming import queue_name, worker_name
from fedredis.keys import RoundName
from fedredis.store import workers
from fedredis.store.slave import SlaveStore
from fedredis.store.workers import WorkerCard

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from fedredis.config import RunConfig
    from fedredis.keys import RunKeys
    from fedredis.store.master import MasterStore

TRAIN = RoundName("train", 1)


class Scene:
    """A dispatcher, its clock, and the workers that it can see."""

    def __init__(
        self, client: Redis, keys: RunKeys, store: MasterStore, config: RunConfig, own: int
    ) -> None:
        self.client, self.keys, self.config, self.store = client, keys, config, store
        self.now = 100.0
        self.revived = 0
        self.dispatcher = Dispatcher(
            client, store, config, own_workers=own, revive=self._revive, clock=lambda: self.now
        )

    def dispatch(self, name: RoundName, waiting: int, job: str = "train") -> None:
        """Send workers to a round, knowing who is there."""
        there = self.client.zrange(self.keys.attached(job), 0, -1)
        self.dispatcher(name, job, waiting, [worker.decode() for worker in there])

    def _revive(self) -> None:
        self.revived += 1

    def join(
        self,
        slaves: tuple[str, ...] | None = None,
        dataset: str | None = None,
        version: str = __version__,
    ) -> str:
        """Let a worker come; return its name."""
        dataset = dataset or self.config.dataset
        queue = queue_name(dataset, slaves)
        card = WorkerCard(worker_name(queue), "h", 1, queue, dataset, "{}", slaves, version)
        workers.join(self.client, card)
        return card.name

    def attach(self, worker: str, job: str = "train") -> SlaveStore:
        """Let a worker's job begin its stay."""
        store = SlaveStore(self.client, self.keys, worker=worker, lease_ms=60_000, alone=None)
        store.attach(job)
        return store

    def jobs(self, slaves: tuple[str, ...] | None = None) -> list[str]:
        """List the jobs on a queue."""
        queue = queue_name(self.config.dataset, slaves)
        return [name.decode() for name in self.client.lrange(f"rq:queue:{queue}", 0, -1)]


@pytest.fixture
def make_scene(
    client: Redis, keys: RunKeys, master: MasterStore, make_config: Callable[..., RunConfig]
) -> Callable[..., Scene]:
    return lambda own=0: Scene(client, keys, master, make_config(), own)


@pytest.mark.parametrize(
    ("there", "waiting", "jobs"), [(2, 4, 2), (4, 2, 2), (3, 3, 3), (2, 0, 0), (0, 4, 0)]
)
def test_as_many_jobs_as_workers_or_slaves_that_are_waited_for(make_scene, there, waiting, jobs):
    scene = make_scene()
    for _ in range(there):
        scene.join()
    scene.dispatch(TRAIN, waiting)
    assert len(scene.jobs()) == jobs
    assert scene.revived == 1


@pytest.mark.parametrize("planted", [b"text", [b"\xff"]])
def test_what_slaves_have_put_where_jobs_go_keeps_none_from_being_sent(
    client, make_scene, planted
):
    scene = make_scene()
    scene.join(("1",))
    own = f"rq:queue:{queue_name(scene.config.dataset, ('1',))}"
    if isinstance(planted, bytes):
        client.set(own, planted)
        client.set("rq:queues", planted)
    else:
        client.rpush(own, *planted)
    scene.dispatch(TRAIN, 4)
    assert len(client.lrange(own, 0, -1)) == (1 if isinstance(planted, bytes) else 2)
    assert client.smembers("rq:queues") == {own.encode()}


def test_none_is_sent_twice(make_scene):
    scene = make_scene()
    scene.join()
    scene.join()
    for _ in range(3):
        scene.dispatch(TRAIN, 4)
    assert len(scene.jobs()) == 2
    # The rounds of one kind of job are served by one stay.
    scene.dispatch(RoundName("train", 2), 4)
    scene.dispatch(RoundName("evaluate", 1), 4)
    assert len(scene.jobs()) == 2


def test_jobs_that_never_began_are_sent_again(make_scene):
    scene = make_scene()
    scene.join()
    scene.dispatch(TRAIN, 4)
    scene.now += ON_ITS_WAY / 2
    # A worker has taken it, and may be about to begin.
    scene.client.delete(f"rq:queue:{queue_name(scene.config.dataset, None)}")
    scene.dispatch(TRAIN, 4)
    assert scene.jobs() == []
    scene.now += ON_ITS_WAY / 2
    scene.dispatch(TRAIN, 4)
    assert len(scene.jobs()) == 1


def test_jobs_that_wait_for_a_worker_are_not_sent_again(make_scene):
    scene = make_scene()
    scene.join()
    scene.join()
    scene.dispatch(TRAIN, 4)
    scene.now += 100 * ON_ITS_WAY
    scene.dispatch(TRAIN, 4)
    assert len(scene.jobs()) == 2
    # Those of another kind wait for another purpose.
    scene.dispatch(RoundName("statistics", 1), 4, "statistics")
    assert len(scene.jobs()) == 4


def test_workers_that_stay_with_the_run_need_no_job(make_scene):
    scene = make_scene()
    first, _second, _third = scene.join(), scene.join(), scene.join()
    store = scene.attach(first)
    scene.dispatch(TRAIN, 4)
    assert len(scene.jobs()) == 2
    scene.now += ON_ITS_WAY
    scene.client.delete(f"rq:queue:{queue_name(scene.config.dataset, None)}")
    store.detach("train")
    scene.dispatch(TRAIN, 4)
    assert len(scene.jobs()) == 3


def test_a_stay_of_another_kind_counts_for_nothing(make_scene):
    scene = make_scene()
    scene.attach(scene.join(), "statistics")
    scene.dispatch(TRAIN, 4)
    assert len(scene.jobs()) == 1
    scene.dispatch(RoundName("evaluate", 2), 4, "evaluate")  # the last one has jobs of its own
    assert len(scene.jobs()) == 2


def test_who_holds_some_slaves_is_sent_to_by_a_queue_of_its_own(make_scene):
    scene = make_scene()
    scene.join(("0",))
    for _ in range(3):
        scene.join(("1", "2"))
    scene.attach(scene.join(("3",)))
    scene.dispatch(TRAIN, 2)
    assert [len(scene.jobs(held)) for held in (("0",), ("1", "2"), ("3",), None)] == [1, 2, 0, 0]


def test_workers_of_other_data_or_versions_are_left_alone(client, make_scene):
    scene = make_scene()
    scene.join(dataset="songs")
    scene.join(version="0.0.9")
    scene.dispatch(TRAIN, 4)
    assert client.keys("rq:*") == []


def test_own_workers_count_before_they_announce_themselves(make_scene, monkeypatch):
    monkeypatch.setattr(dispatch, "WORKERS_KNOWN", ON_ITS_WAY / 2)
    scene = make_scene(own=2)
    scene.dispatch(TRAIN, 4)
    assert len(scene.jobs()) == 2
    for _ in range(3):  # the two, and a guest
        scene.join()
    scene.now += ON_ITS_WAY / 2
    scene.dispatch(TRAIN, 4)
    assert len(scene.jobs()) == 3


def test_workers_are_looked_at_now_and_then(make_scene):
    scene = make_scene()
    scene.dispatch(TRAIN, 4)
    scene.join()
    scene.now += WORKERS_KNOWN * 0.99
    scene.dispatch(TRAIN, 4)
    assert scene.jobs() == []
    scene.now += WORKERS_KNOWN * 0.02
    scene.dispatch(TRAIN, 4)
    assert len(scene.jobs()) == 1
    # The master's own processes are looked after each time.
    assert scene.revived == 3


@pytest.mark.parametrize("kind", ["statistics", "train", "evaluate"])
def test_a_job_carries_names_and_nothing_else(client, make_scene, kind):
    scene = make_scene(own=1)
    scene.dispatch(RoundName("train", 3), 4, kind)
    (name,) = scene.jobs()
    run_id = scene.keys.run_id
    assert name.startswith(f"fedredis-{scene.config.dataset}__{run_id}__{kind}_")
    job = client.hgetall(f"rq:job:{name}")
    call = [f"fedredis.jobs.{kind}", None, [], {"run": run_id, "round": "train:3"}]
    assert json.loads(zlib.decompress(job[b"data"])) == call
    assert int(job[b"timeout"]) == 600 + 120
    assert int(job[b"result_ttl"]) == 3600
    assert int(job[b"failure_ttl"]) == 24 * 3600


def test_a_job_says_what_it_is_for(make_scene):
    scene = make_scene(own=1)
    scene.dispatcher(TRAIN, "train", 1, ())
    (job,) = scene.dispatcher._queue(queue_name(scene.config.dataset, None)).get_jobs()
    run = scene.keys.run_id
    assert job.description == f"run {run}: train, woken for train:1"
    assert (job.func_name, job.kwargs) == ("fedredis.jobs.train", {"run": run, "round": "train:1"})
