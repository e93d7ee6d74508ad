"""Worker processes, for real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import RedisError

from fedredis.errors import WorkersEndError
from fedredis.jobs.pool import LIVES, LONGEST_PAUSE, MOST_IN_A_ROW, PAUSE, WorkerPool
from fedredis.jobs.process import MODELS_VARIABLE, URL_VARIABLE, allowed_models
from fedredis.store import workers

if TYPE_CHECKING:
    from pathlib import Path

    from redis import Redis

    from fedredis.data.manifest import Manifest
    from fedredis.embedded import EmbeddedServer

#: Seconds after which a test gives up; never waited for when all is well.
PATIENCE = 60


def wait_for(client: Redis, joins: int) -> list[int]:
    """Block until so many workers have joined in all; return the pids of those present."""
    cursor = b"0-0"
    while client.xlen("fedredis:joined") < joins:
        cursor = workers.wait_for_join(client, cursor, 2)
    return [card.pid for card in workers.present(client)]


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.usefixtures("manifest")
def test_a_pool_is_kept_at_its_size_until_it_ends(client, server, folder):
    with WorkerPool(server.url, folder, 2) as pool:
        first = wait_for(client, 2)
        assert len(set(first)) == 2
        pool.revive()
        os.kill(first[0], signal.SIGKILL)
        pool.wait()
        pool.revive()
        both = wait_for(client, 3)
        (new,) = set(both) - set(first)
        assert runs(new)
        assert runs(first[1])
        assert not runs(first[0])
        pool.revive()
        assert client.xlen("fedredis:joined") == 3
    assert not runs(new)
    assert not runs(first[1])
    # Those that were asked to stop have said good-bye.
    assert [card.pid for card in workers.present(client)] == [first[0]]
    pool.stop()


@pytest.mark.usefixtures("manifest")
def test_a_pool_takes_its_workers_along_when_it_is_killed(client, server, folder):
    with WorkerPool(server.url, folder, 1) as pool:
        wait_for(client, 1)
        (process,) = pool._processes
        process.stdin.close()  # as the system does when the master is gone
        assert process.wait(PATIENCE) == -signal.SIGKILL


@pytest.mark.usefixtures("manifest")
def test_workers_of_a_pool_that_ends_at_once_say_good_bye(client, server, folder):
    """They are asked to stop as soon as they are heard of, before RQ has begun."""
    with WorkerPool(server.url, folder, 2) as pool:
        wait_for(client, 2)
        processes = list(pool._processes)
    assert [process.returncode for process in processes] == [0, 0]
    assert [process.stdin.closed for process in processes] == [True, True]
    assert client.keys("fedredis:worker*") == []
    assert client.smembers("rq:workers") == set()


@pytest.mark.usefixtures("manifest")
def test_workers_that_are_asked_while_they_start_end_all_the_same(client, server, folder):
    with WorkerPool(server.url, folder, 2) as pool:
        processes = list(pool._processes)
    for process in processes:
        assert process.returncode in (0, -signal.SIGTERM)
    assert client.keys("fedredis:worker*") == []


@pytest.mark.usefixtures("manifest")
def test_a_worker_that_died_leaves_no_open_pipe(client, server, folder):
    with WorkerPool(server.url, folder, 1) as pool:
        (pid,) = wait_for(client, 1)
        (process,) = pool._processes
        os.kill(pid, signal.SIGTERM)
        pool.wait()
        pool.revive()
        assert process.stdin.closed
        assert list(pool._processes) != [process]


@pytest.mark.usefixtures("manifest")
def test_a_worker_that_does_not_end_in_time_is_killed(client, server, folder, monkeypatch):
    monkeypatch.setattr("fedredis.jobs.pool.GRACE", 0.01)
    with WorkerPool(server.url, folder, 1) as pool:
        (pid,) = wait_for(client, 1)
        (process,) = pool._processes
        os.kill(pid, signal.SIGSTOP)  # it can't even hear that it is asked
    assert process.returncode == -signal.SIGKILL
    assert not runs(pid)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def ended(pool: WorkerPool) -> None:
    for worker in pool._processes:
        worker.wait(PATIENCE)


def test_workers_that_end_at_once_are_started_again_later_each_time_and_then_no_more(
    tmp_path, capfd
):
    clock, pauses = Clock(), []
    with WorkerPool("redis://there", tmp_path, 1, module="no_such", clock=clock) as pool:
        for _ in range(MOST_IN_A_ROW - 1):
            ended(pool)
            pool.revive()
            pauses.append(max(0.0, pool._pause_ends - clock.now))
            assert len(pool._processes) == (not pauses[-1])
            clock.now += pauses[-1]
            pool.revive()
            assert len(pool._processes) == 1
        ended(pool)
        with pytest.raises(
            WorkersEndError, match=r"; the last: worker \d+ ended with: .*no_such$"
        ):
            pool.revive()
    assert pauses == [0, PAUSE, 2 * PAUSE, 4 * PAUSE, 8 * PAUSE, 16 * PAUSE, LONGEST_PAUSE]
    assert capfd.readouterr().err.count("No module named no_such") == MOST_IN_A_ROW


def test_a_worker_that_lived_is_replaced_at_once(tmp_path, caplog, monkeypatch):
    (tmp_path / "waits.py").write_text("import os; os.read(0, 1)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    clock = Clock()
    with WorkerPool("redis://there", tmp_path, 1, module="waits", clock=clock) as pool:
        for lives in (0, 0, LIVES):
            (worker,) = pool._processes
            clock.now += lives
            worker.kill()
            worker.wait(PATIENCE)
            pool.revive()
            clock.now = max(clock.now, pool._pause_ends)
            pool.revive()
        assert pool._in_a_row == 0
        (worker,) = pool._processes
        worker.send_signal(signal.SIGSEGV)
        worker.wait(PATIENCE)
        pool.revive()
    told = [record.getMessage().partition(" was ")[2] for record in caplog.records]
    assert told[:3] == ["killed, perhaps since memory ran out"] * 3
    assert told[3].startswith("ended by signal 11 (")


def test_workers_import_nothing_from_the_folder_that_they_are_started_in(
    tmp_path, monkeypatch, capfd
):
    (tmp_path / "no_such.py").write_text("raise SystemExit('imported from there')")
    monkeypatch.chdir(tmp_path)
    with WorkerPool("redis://there", tmp_path, 1, module="no_such") as pool:
        ended(pool)
        pool.revive()
    assert "No module named no_such" in capfd.readouterr().err


def test_waiting_ends_with_the_pause(tmp_path, monkeypatch):
    monkeypatch.setattr("fedredis.jobs.pool.PAUSE", 0.01)
    with WorkerPool("redis://there", tmp_path, 1, module="no_such") as pool:
        for _ in range(2):
            ended(pool)
            pool.revive()
        assert not pool._processes
        while not pool._processes:
            pool.wait()
            pool.revive()


def test_a_stop_that_is_interrupted_kills(tmp_path, monkeypatch):
    (tmp_path / "deaf.py").write_text(
        "import os, signal\nsignal.signal(15, signal.SIG_IGN)\nos.write(2, b'!\\n')\nos.read(0, 1)"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def interrupted(*_):
        monkeypatch.undo()
        raise KeyboardInterrupt

    pool = WorkerPool("redis://there", tmp_path, 2, module="deaf").__enter__()
    workers = list(pool._processes)
    while not all(watch.said for watch in pool._processes.values()):
        pass
    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pool.stop()
    assert [worker.returncode for worker in workers] == [-signal.SIGKILL] * 2


@pytest.mark.usefixtures("manifest")
def test_workers_whose_redis_is_away_are_not_waited_for(client, server, folder):
    pool = WorkerPool(server.url, folder, 1).__enter__()
    (pid,) = wait_for(client, 1)
    (worker,) = pool._processes
    os.kill(pid, signal.SIGSTOP)
    pool.__exit__(RedisError, RedisError("away"), None)
    assert worker.returncode == -signal.SIGKILL


@pytest.mark.usefixtures("manifest")
def test_another_child_that_has_ended_is_not_a_worker(client, server, folder):
    other = subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.DEVNULL)
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    with WorkerPool(server.url, folder, 1) as pool:
        (pid,) = wait_for(client, 1)
        ended = threading.Event()

        def wait():
            pool.wait()
            ended.set()

        waiting = threading.Thread(target=wait)
        waiting.start()
        assert not ended.wait(0.2)
        os.kill(pid, signal.SIGKILL)
        assert ended.wait(PATIENCE)
        waiting.join()
    other.wait()


def test_a_pool_of_none(tmp_path):
    with WorkerPool("redis://nowhere", tmp_path, 0) as pool:
        pool.wait()
        pool.revive()


@pytest.fixture
def process(
    client: Redis, server: EmbeddedServer, folder: Path, manifest: Manifest
) -> subprocess.Popen[bytes]:
    """Start a worker process that ends with its parent, and wait until it has joined."""
    with subprocess.Popen(
        [sys.executable, "-m", "fedredis.jobs", str(folder), "--with-parent"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, URL_VARIABLE: server.url},
    ) as started:
        assert wait_for(client, 1) == [started.pid]
        yield started
        started.kill()


def test_a_worker_ends_when_its_parents_pipe_closes(process):
    process.stdin.close()
    assert process.wait(PATIENCE) == -signal.SIGKILL


def test_a_worker_ends_in_order_when_asked(client, process):
    process.terminate()
    assert process.wait(PATIENCE) == 0
    assert process.stderr.read() == b""
    assert client.keys("fedredis:worker*") == []
    assert client.smembers("rq:workers") == set()


def test_workers_may_import_exactly_the_models_that_the_pool_is_given(tmp_path, monkeypatch):
    (tmp_path / "their_worker.py").write_text(
        "import os, pathlib, sys\n"
        "pathlib.Path(sys.argv[1], 'told').write_text(os.environ['FEDREDIS_MODELS'])\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv(MODELS_VARIABLE, "of.this:Process")
    told = []
    for models in ((), {"b.c:D", "a:B"}):
        given = {"module": "their_worker", "models": models}
        with WorkerPool("redis://there", tmp_path, 1, **given) as pool:
            (process,) = pool._processes
            assert process.wait(PATIENCE) == 0
        told.append((tmp_path / "told").read_text())
    assert told == ["", "a:B,b.c:D"]
    assert [allowed_models({MODELS_VARIABLE: text}) for text in told] == [set(), {"a:B", "b.c:D"}]


def test_the_models_that_an_environment_allows():
    assert allowed_models({}) == frozenset()
    assert allowed_models({MODELS_VARIABLE: " a:B, b.c:D ,,a:B,"}) == {"a:B", "b.c:D"}


def test_a_pool_of_another_main_program(tmp_path, monkeypatch):
    """As a user's own, that knows a model of the user's."""
    (tmp_path / "their_worker.py").write_text(
        "import os, pathlib, sys\n"
        "told = [*sys.argv[1:], os.environ['FEDREDIS_URL'], os.environ['OMP_NUM_THREADS']]\n"
        "pathlib.Path(sys.argv[1], 'told').write_text('\\n'.join(told))\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with WorkerPool("redis://there", tmp_path, 1, module="their_worker") as pool:
        pool.wait()
        (process,) = pool._processes
        assert process.wait(PATIENCE) == 0
    told = (tmp_path / "told").read_text().splitlines()
    assert told == [str(tmp_path), "--with-parent", "redis://there", "1"]
