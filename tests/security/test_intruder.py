"""Someone who can write to all of Redis: no worker and no master runs what they write there."""

from __future__ import annotations

import json
import secrets
import socket
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from rq import Callback, Queue
from rq.job import Job
from rq.serializers import DefaultSerializer, JSONSerializer
from rq.webhook import Webhook

from fedredis.jobs.naming import jobs_of
from fedredis.keys import RunKeys
from fedredis.store import runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


TRAIN = ("--rounds", 2, "--features", "plain", "--wait-timeout", 30, "--json")
JOB = "fedredis.jobs.train"


@pytest.fixture
def touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file that ``evil.touch`` touches, which workers and this process can import."""
    file, folder = tmp_path / "touched", tmp_path / "evil"
    folder.mkdir()
    (folder / "evil.py").write_text(
        f"from pathlib import Path\ndef touch(*args, **kwargs):\n    Path({str(file)!r}).touch()\n"
    )
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return file


@pytest.fixture
def pickled(touched: Path) -> bytes:
    """Return bytes that touch the file when they are unpickled."""
    return f"cos\nsystem\n(Vtouch {touched}\ntR.".encode()


@contextmanager
def listening() -> Iterator[tuple[str, socket.socket]]:
    """Listen on a port, for requests that are not to come."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.setblocking(False)
        yield f"http://127.0.0.1:{server.getsockname()[1]}/", server


def outcome(job: Job) -> str:
    """Block until a job is over; return its traceback."""
    assert job.connection.xread({f"rq:results:{job.id}": "0"}, block=20_000), "it is never over"
    result = Job.fetch(job.id, connection=job.connection, serializer=JSONSerializer)
    assert result.get_status() == "failed"
    return str(result.latest_result().exc_string)


def test_a_worker_runs_nothing_of_theirs(fenced, call, admin, touched, pickled):
    """And it goes on: the same worker process serves a training afterwards."""
    queue = Queue(fenced.queue(0), connection=admin, serializer=JSONSerializer)

    def name():
        return f"{jobs_of(queue.name)}{secrets.token_hex(4)}"

    def put(func, **options):
        return queue.enqueue_call(func, job_id=name(), **options)

    def put_raw(**fields):
        job = Job.create(JOB, id=name(), connection=admin, serializer=JSONSerializer)
        job.origin = queue.name
        job.save()
        admin.hset(job.key, mapping=fields)  # type: ignore[arg-type]
        admin.rpush(queue.key, job.id)
        return job

    def named(*call_):
        return zlib.compress(json.dumps(call_).encode())

    with fenced.workers(), listening() as (url, server):
        sent = []
        sent.append(put("os.system", args=(f"touch {touched}",)))
        sent.append(put("evil.touch"))
        sent.append(put("builtins.exec", args=("import evil; evil.touch()",)))
        sent.append(put("fedredis.jobs.serve", args=("x",)))
        events = ("on_success", "on_failure", "on_stopped")
        sent += [put(JOB, **{event: Callback("evil.touch")}) for event in events]
        statuses = ("failed", "finished")
        sent += [put("os.getcwd", webhooks=[Webhook(url, status)]) for status in statuses]
        sent.append(put_raw(data=named("system", "os", [f"touch {touched}"], {})))
        sent.append(put_raw(data=named(JOB, {"x": 1}, [], {})))
        for job in sent:
            assert "not on the allow-list" in outcome(job), job.func_name
        # What can't be read can't be failed either: it is gone, and the next one is served.
        for field in ("data", "meta"):
            sent.append(put_raw(**{field: pickled}))
            sent.append(put_raw(**{field: zlib.compress(pickled)}))
            sent.append(put("os.getcwd"))
            assert "not on the allow-list" in outcome(sent[-1])
        assert queue.count == 0
        with pytest.raises(BlockingIOError):
            server.accept()
        (before,) = admin.smembers(f"rq:workers:{queue.name}")

        answer = call("run", "--redis-url", fenced.master_url, *TRAIN)
        assert answer.code == 0, answer.err
        told = runs.slaves(admin, json.loads(answer.out)["run"])["train"]
        assert before.decode() in [f"rq:worker:{one['worker']}" for one in told]
    assert not touched.exists()


def test_a_master_unpickles_nothing(fenced, call, admin, touched, pickled):
    """Planted in all that RQ keeps of the run's jobs and workers, and in what slaves tell."""
    at = ("--redis-url", fenced.master_url)
    with fenced.workers():
        answer = call("run", *at, *TRAIN)
        assert answer.code == 0, answer.err
        keys = RunKeys(json.loads(answer.out)["run"])
        planted = 0
        for key in admin.scan_iter("rq:job:*"):
            fields = ("data", "meta", "result", "exc_info", "worker_name", "success_callback_name")
            admin.hset(key, mapping=dict.fromkeys(fields, pickled))
            planted += 1
        for key in admin.scan_iter("rq:results:*"):
            admin.xadd(key, {"type": "1", "return_value": pickled, "exc_string": pickled})
            planted += 1
        for key in (*admin.scan_iter("rq:worker:*", _type="hash"), keys.slave("7")):
            admin.hset(key, mapping={"current_job": pickled, "planted": pickled})
            planted += 1
        for key in admin.scan_iter("fedredis:worker:*"):
            admin.hset(key, mapping={"planted": pickled})
            planted += 1
        assert planted > 12
        # The dispatcher, the roster, the round loop, and all that looks.
        assert call("run", *at, *TRAIN).code == 0
        for looking in (("runs",), ("show", keys.run_id), ("errors", keys.run_id), ("doctor",)):
            assert call(*looking, *at).code in (0, 1)
        assert call("resume", keys.run_id, *at).code == 0
    assert not touched.exists()
    # What RQ would have done.
    DefaultSerializer.loads(pickled)
    assert touched.exists()
