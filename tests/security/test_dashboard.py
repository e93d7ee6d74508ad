"""rq-dashboard, as docs/deploying.md starts it: it unpickles nothing, and deletes nothing."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from rq import Queue
from rq.job import Job
from rq.serializers import DefaultSerializer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fedredis.embedded import EmbeddedServer

DASHBOARD = "from rq_dashboard.cli import main; main()"


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.trace),)


@pytest.fixture
def fetch(server: EmbeddedServer) -> Iterator[Callable[..., int]]:
    """Run rq-dashboard; return what asks it for a page's status."""
    options = ("--json", "--config", "fedredis.jobs.dashboard", "--disable-delete")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    at = ("--bind", "127.0.0.1", "--port", str(port))

    def ask(page: str, method: str = "GET") -> int:
        with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            connection.request(method, page)
            return connection.getresponse().status

    with subprocess.Popen(
        [sys.executable, "-c", DASHBOARD, *options, *at],
        env={**os.environ, "RQ_DASHBOARD_REDIS_URL": server.tcp_url},
    ) as process:
        retry: Any = Retry(ConstantBackoff(0.1), 200, (ConnectionError,))
        try:
            retry.call_with_retry(lambda: ask("/"), lambda _: None)
            yield ask
        finally:
            process.kill()


def test_it_unpickles_and_deletes_nothing(fetch, client, tmp_path):
    trace = tmp_path / "trace"
    pickled = {"connection": client, "serializer": DefaultSerializer}
    job = Queue("evil", **pickled).enqueue_call(
        "os.getcwd", args=(Evil(trace),), meta={"evil": Evil(trace)}
    )
    client.hset(job.key, "result", pickle.dumps(Evil(trace)))
    Job.fetch(job.id, **pickled)
    trace.rmdir()  # so it does work on who unpickles

    lists = ["/", "/0/view/jobs/evil/queued/8/asc/1", "/0/data/jobs/evil/queued/8/asc/1.json"]
    assert [fetch(page) for page in lists] == [200, 200, 200]
    for page in (f"/0/view/job/{job.id}", f"/0/data/job/{job.id}.json"):
        fetch(page)
    for change in ("requeue", "delete"):
        fetch(f"/job/{job.id}/{change}", "POST")
    assert not trace.exists()
    assert client.exists(job.key)
