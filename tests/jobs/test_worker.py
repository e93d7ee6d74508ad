"""The worker on a real server, in the test's own process, in burst mode."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import threading
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer

from fedredis.jobs import allowlist, worker
from fedredis.jobs.dispatch import Dispatcher
from fedredis.jobs.inputs import Folder, Inputs
from fedredis.jobs.naming import job_id, queue_name
from fedredis.jobs.worker import FedredisWorker, make_card
from fedredis.keys import RoundName
from fedredis.store import workers
from fedredis.store.results import RoundState
from fedredis.store.slave import SlaveStore
from tests.jobs.conftest import open_round

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from redis import Redis

    from fedredis.data.manifest import Manifest
    from fedredis.keys import RunKeys
    from fedredis.store.master import MasterStore

STATISTICS = "fedredis.jobs.statistics"
ROUND = RoundName("statistics", 1)
#: The first bytes of what RQ has compressed.
ZLIB = b"\x78\x9c"


pytestmark = pytest.mark.usefixtures("handlers")


@pytest.fixture
def burst(
    client: Redis, rq_client: Redis, folder: Path, manifest: Manifest
) -> Callable[[], FedredisWorker]:
    """Return a function that runs what is on the folder's queue."""

    def run() -> FedredisWorker:
        card = make_card(Folder(folder, manifest))
        serving = FedredisWorker(client, rq_client, card, Inputs(Folder(folder, manifest)))
        serving.work(burst=True, logging_level="CRITICAL")
        return serving

    return run


@pytest.fixture
def queue(client: Redis, manifest: Manifest) -> Queue:
    """Return the folder's queue, as whoever can write to Redis has it."""
    name = queue_name(manifest.dataset, None)
    return Queue(name, connection=client, serializer=JSONSerializer)


@pytest.fixture
def opened(master: MasterStore) -> MasterStore:
    """Open a round of statistics for all four slaves."""
    open_round(master)
    return master


def state_of(master: MasterStore) -> RoundState:
    return master.tend(ROUND, "statistics").state


def fetch(job: Job) -> tuple[str, str]:
    """Return a job's status and, if it failed, its traceback."""
    fetched = Job.fetch(job.id, connection=job.connection, serializer=JSONSerializer)
    result = fetched.latest_result()
    return fetched.get_status().value, (result.exc_string or "") if result else ""


def serve(queue: Queue, keys: RunKeys, **options: Any) -> Job:
    kwargs = {"run": keys.run_id, "round": "statistics:1"}
    return queue.enqueue_call(STATISTICS, kwargs=kwargs, **options)


def test_it_runs_fedredis_jobs(opened, keys, queue, burst):
    job = serve(queue, keys)
    name = burst().name
    assert fetch(job) == ("finished", "")
    assert job.return_value() == {"worker": name, "counted": {"statistics": 4}}
    assert state_of(opened) is RoundState.CLOSED


# What it refuses.


def test_os_system_is_not_run(queue, burst, rq_client, tmp_path, monkeypatch):
    file = tmp_path / "touched"
    job = queue.enqueue_call("os.system", args=(f"touch {file}",))
    burst()
    assert not file.exists()
    status, error = fetch(job)
    assert status == "failed"
    assert "NotAllowedError: 'os.system' is not on the allow-list" in error
    # RQ's own worker does run it.
    monkeypatch.setattr(SimpleWorker, "subscribe", lambda self: None)
    queue.enqueue_call("os.system", args=(f"touch {file}",))
    plain = SimpleWorker([queue], connection=rq_client, serializer=JSONSerializer)
    plain.work(burst=True, logging_level="CRITICAL")
    assert file.exists()


def test_pickled_jobs_are_not_loaded(client, queue, burst, tmp_path):
    file = tmp_path / "touched"
    # What pickle.loads makes a call of os.system of.
    pickled = f"cos\nsystem\n(Vtouch {file}\ntR.".encode()
    job = queue.enqueue_call("os.getcwd")
    client.hset(f"rq:job:{job.id}", mapping={"data": pickled, "meta": pickled})
    burst()
    assert not file.exists()
    assert client.lrange(queue.key, 0, -1) == []


def test_it_takes_no_commands_from_a_channel(client, queue, burst, monkeypatch):
    channels = []

    def look(context, **names):
        channels.append(client.pubsub_channels())

    monkeypatch.setitem(allowlist.ALLOWED, STATISTICS, look)
    queue.enqueue_call(STATISTICS)
    burst()
    assert channels == [[]]


# What others see of it.


def test_the_card_of_a_folder_of_all_slaves(folder, manifest):
    card = make_card(Folder(folder, manifest))
    assert card.slaves is None
    assert card.queue == f"fedredis-{manifest.dataset}"
    assert card.name.startswith(f"{card.queue}-")
    # Whose rows are which is for the folder alone: of many slaves that would be long.
    told = dataclasses.replace(manifest, digests=())
    assert (card.dataset, card.manifest) == (manifest.dataset, told.to_json())
    assert make_card(Folder(folder, manifest)).name != card.name


def test_the_card_of_a_folder_of_some_slaves(folder, manifest):
    (folder / "slave-1.npy").unlink()
    card = make_card(Folder(folder, manifest))
    assert card.slaves == ("0", "2", "3")
    assert card.queue == queue_name(manifest.dataset, ("0", "2", "3"))
    for slave in (2, 3):
        (folder / f"slave-{slave}.npy").unlink()
    card = make_card(Folder(folder, manifest))
    assert card.slaves == ("0",)
    assert card.queue == f"fedredis-{manifest.dataset}-slave-0"


def test_it_is_there_while_it_works_and_not_afterwards(client, queue, burst, monkeypatch):
    seen = []

    def look(context, **names):
        seen.append((workers.present(client), context.card))
        seen.append(client.smembers("rq:workers"))

    monkeypatch.setitem(allowlist.ALLOWED, STATISTICS, look)
    queue.enqueue_call(STATISTICS)
    # Another slave may have written there.
    client.set("rq:workers", "planted")
    name = burst().name
    (present, card), registered = seen
    assert present == [card]
    assert card.name == name
    assert registered == {f"rq:worker:{name}".encode()}
    assert workers.present(client) == []
    assert client.keys("fedredis:worker*") == []
    assert client.xlen("fedredis:joined") == 1


def test_its_heart_beats_while_a_job_runs(client, queue, burst, monkeypatch):
    monkeypatch.setattr(worker, "HEARTBEAT", 0.01)
    announce, kept = workers.announce, FedredisWorker.maintain_heartbeats
    forgotten, said, maintained = (threading.Event() for _ in range(3))

    def noting(*args):
        known = forgotten.is_set()
        announce(*args)
        if known:
            said.set()

    def maintaining(self, *args):
        kept(self, *args)
        maintained.set()

    def long_job(context, **names):
        client.delete("fedredis:workers", f"fedredis:worker:{context.card.name}")
        forgotten.set()
        assert said.wait(30)
        assert maintained.wait(30)
        return [card.name for card in workers.present(client)]

    monkeypatch.setattr(workers, "announce", noting)
    monkeypatch.setattr(FedredisWorker, "maintain_heartbeats", maintaining)
    monkeypatch.setitem(allowlist.ALLOWED, STATISTICS, long_job)
    job = queue.enqueue_call(STATISTICS)
    name = burst().name
    assert fetch(job) == ("finished", "")
    assert job.return_value() == [name]
    assert client.keys("fedredis:worker*") == []


def test_its_hash_tells_of_its_processor_and_memory(client, queue, burst, monkeypatch):
    monkeypatch.setattr(worker, "HEARTBEAT", 0.01)
    announce = workers.announce
    announced = threading.Event()

    def noting(client, card, vitals):
        announce(client, card, vitals)
        if vitals:
            announced.set()

    def look(context, **names):
        assert announced.wait(30)
        told = client.hmget(f"fedredis:worker:{context.card.name}", "cpu_s", "memory_mb", "pid")
        return [field.decode() for field in told]

    monkeypatch.setattr(workers, "announce", noting)
    monkeypatch.setitem(allowlist.ALLOWED, STATISTICS, look)
    job = queue.enqueue_call(STATISTICS)
    burst()
    cpu_s, memory_mb, pid = job.return_value()
    assert float(cpu_s) > 0
    assert 10 < int(memory_mb) < 100_000
    assert int(pid) == os.getpid()


# When it is asked to stop.


def is_gone(client: Redis) -> bool:
    return client.keys("fedredis:worker*") == [] and client.smembers("rq:workers") == set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("at", ["work", "dequeue_job_and_maintain_ttl"])
def test_it_leaves_when_it_is_asked_before_it_has_begun_or_while_it_waits(
    client, burst, monkeypatch, at, number
):
    def asked(self, *args, **kwargs):
        os.kill(os.getpid(), number)
        pytest.fail("it was not heard")

    monkeypatch.setattr(SimpleWorker, at, asked)
    burst()
    assert is_gone(client)


def test_it_leaves_when_it_is_asked_while_it_announces_itself(client, burst, monkeypatch):
    join = workers.join

    def join_and_be_asked(*args):
        join(*args)
        assert client.zcard("fedredis:workers") == 1
        os.kill(os.getpid(), signal.SIGTERM)
        pytest.fail("it was not heard")

    monkeypatch.setattr(workers, "join", join_and_be_asked)
    burst()
    assert is_gone(client)


def test_it_finishes_what_it_is_at_when_it_is_asked(
    client, opened, keys, queue, burst, monkeypatch
):
    """The slave at hand is counted, those after it go to others."""
    visit = SlaveStore.visit

    def visit_and_be_asked(store, *args):
        answer = visit(store, *args)
        if not serving:
            serving.append(os.kill(os.getpid(), signal.SIGTERM))
        return answer

    serving = []
    monkeypatch.setattr(SlaveStore, "visit", visit_and_be_asked)
    first, second = serve(queue, keys), serve(queue, keys)
    name = burst().name
    assert first.return_value() == {"worker": name, "counted": {"statistics": 1}}
    assert fetch(second)[0] == "queued"
    assert client.zrange(keys.round(ROUND).ids, 0, -1) == [b"1", b"2", b"3"]
    assert not client.exists(keys.round(ROUND).claims, keys.attached("statistics"))
    assert is_gone(client)


def test_it_leaves_when_it_ends_by_an_error(client, burst, monkeypatch):
    def fail(self, *args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(SimpleWorker, "work", fail)
    with pytest.raises(KeyboardInterrupt):
        burst()
    assert client.keys("fedredis:worker*") == []


def test_it_makes_room_for_another_run(client, rq_client, folder, manifest, queue):
    serving = FedredisWorker(
        client, rq_client, make_card(Folder(folder, manifest)), Inputs(Folder(folder, manifest))
    )
    wait = serving.context.others_wait
    assert not wait("r1")
    queue.enqueue_call(STATISTICS, job_id=job_id(queue.name, "r1", "train"))
    assert not wait("r1")
    assert wait("r")
    assert wait("r2")
    assert not serving.context.stopping()
    serving._stop_requested = True
    assert serving.context.stopping()


def values(client: Redis, key: bytes) -> Iterator[bytes]:
    """Read all that a key of any type holds."""
    match client.type(key):
        case b"string":
            yield client.get(key)
        case b"list":
            yield from client.lrange(key, 0, -1)
        case b"set":
            yield from client.smembers(key)
        case b"zset":
            yield from client.zrange(key, 0, -1)
        case b"hash":
            for pair in client.hgetall(key).items():
                yield from pair
        case b"stream":
            for _, entry in client.xrange(key):
                for pair in entry.items():
                    yield from pair
        case other:
            pytest.fail(f"{key!r} is of type {other!r}")


def test_what_rq_keeps_is_json(client, opened, queue, make_config, burst):
    dispatch = Dispatcher(
        client, opened, make_config(), own_workers=1, revive=lambda: None, clock=lambda: 0.0
    )
    dispatch(ROUND, "statistics", 4, ())
    queue.enqueue_call("os.system", args=("true",))
    burst()
    keys = client.keys("rq:*")
    assert sum(key.startswith(b"rq:job:") for key in keys) == 2
    assert sum(key.startswith(b"rq:results:") for key in keys) == 2
    read = [value for key in keys for value in values(client, key)]
    assert len(read) > 40
    for value in read:
        plain = zlib.decompress(value) if value.startswith(ZLIB) else value
        assert plain.decode()[:1] != "\x80"  # pickles are no text, and start with this byte
    for key in keys:
        if key.startswith(b"rq:job:"):
            assert json.loads(zlib.decompress(client.hget(key, "data")))
            assert json.loads(client.hget(key, "meta") or b"{}") == {}


@pytest.mark.parametrize("state", ["started", "idle"])
def test_a_stop_that_is_swallowed_on_its_way_is_not_forgotten(
    client, rq_client, folder, manifest, monkeypatch, state
):
    """RQ's maintenance may be interrupted, and goes on over any exception."""
    card = make_card(Folder(folder, manifest))
    serving = FedredisWorker(client, rq_client, card, Inputs(Folder(folder, manifest)))
    looked = []

    def maintain():
        looked.append(serving.get_state())
        if looked[-1] == state:
            with contextlib.suppress(StopRequested):
                serving.request_stop(signal.SIGTERM, None)

    monkeypatch.setattr(SimpleWorker, "run_maintenance_tasks", lambda self: maintain())
    # Otherwise it would wait for a job, for minutes.
    assert serving.work(logging_level="CRITICAL") is False
    assert looked[-1] == state
    assert workers.present(client) == []
