"""A number of worker processes on this machine, kept at that number."""

from __future__ import annotations

import logging
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from redis.exceptions import RedisError

from fedredis.errors import WorkersEndError
from fedredis.jobs import process

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from fedredis.data.own import OwnFile

logger = logging.getLogger("fedredis.pool")

#: One thread a process: workers share the cores, and sums keep their order.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

#: What a worker process runs.
PROGRAM = "fedredis.jobs"
#: Seconds that a worker has to finish the slave it is working for.
GRACE = 30.0
#: Seconds after which a worker counts as one that works.
LIVES = 5.0
#: Seconds before the third process in a row that did not live is replaced; then twice as many
#: each time, up to the second number. The first one is replaced at once.
PAUSE, LONGEST_PAUSE = 0.5, 10.0
#: How many of them there may be in a row, for each worker.
MOST_IN_A_ROW = 8


@dataclass(frozen=True, slots=True)
class _Watch:
    """What is known of a worker process from outside."""

    started: float
    #: A pipe that nobody writes to: it ends when the process does.
    ending: int
    #: The last line that it has written to standard error.
    said: deque[str]
    relay: threading.Thread


class WorkerPool:
    """Starts worker processes, replaces those that die, and ends them with the context."""

    def __init__(
        self,
        url: str,
        rows: Path | OwnFile,
        workers: int,
        *,
        module: str = PROGRAM,
        models: Collection[str] = (),
        owner: Sequence[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare for `workers` processes that run `module` as their main program.

        They hold the `rows` of a partition folder, or of a slave's own file. They may import the
        `models` of users' own that are given, and no others. `owner` are the arguments that name
        their policy file.
        """
        self._url, self._rows, self._size = url, rows, workers
        self._module, self._models, self._owner = module, sorted(models), owner
        self._clock = clock
        self._processes: dict[subprocess.Popen[bytes], _Watch] = {}
        #: How many processes in a row have not lived, and when the next one may be started.
        self._in_a_row, self._pause_ends = 0, float("-inf")

    def revive(self) -> None:
        """Bring the pool to its size: at the start, and after a worker has died.

        Where workers die as soon as they are started, this is put off, longer each time, until
        another call.

        Raises
        ------
        WorkersEndError
            If none has lived for many times.
        """
        for worker in [w for w in self._processes if w.poll() is not None]:
            self._mourn(worker)
        if self._clock() >= self._pause_ends:
            while len(self._processes) < self._size:
                self._start()

    def wait(self) -> None:
        """Block until a worker has ended, or may be started again.

        Other children of this process make no difference.
        """
        missing = len(self._processes) < self._size
        pause = max(0.0, self._pause_ends - self._clock()) if missing else None
        with selectors.DefaultSelector() as selector:
            for worker, watch in self._processes.items():
                selector.register(watch.ending, selectors.EVENT_READ, worker)
            for ended, _ in selector.select(pause) if self._size else ():
                ended.data.wait()

    def _mourn(self, worker: subprocess.Popen[bytes]) -> None:
        """Say why a worker has ended, and decide how soon there may be another one."""
        watch, now = self._processes[worker], self._clock()
        self._forget(worker)
        why = f"worker {worker.pid} {_reason(worker.returncode, watch.said)}"
        if worker.returncode < 0:  # otherwise it has said so itself
            logger.warning("%s", why)
        lived = now - watch.started >= LIVES
        self._in_a_row = 0 if lived else self._in_a_row + 1
        others = any(now - other.started >= LIVES for other in self._processes.values())
        if self._in_a_row >= MOST_IN_A_ROW * self._size and not others:
            raise WorkersEndError(f"workers end as soon as they are started; the last: {why}")
        level = self._in_a_row // self._size
        if level > 1:
            self._pause_ends = now + min(PAUSE * 2 ** (level - 2), LONGEST_PAUSE)

    def _start(self) -> None:
        ending, held = os.pipe()
        # A session of its own: Ctrl-C in the terminal is for the master, which ends the workers.
        worker = subprocess.Popen(
            [
                # Safe paths: a worker imports what is installed, whatever folder it is started in.
                *(sys.executable, "-P", "-m", self._module),
                *(*process.arguments(self._rows), *self._owner, "--with-parent"),
            ],
            env={
                **os.environ,
                **ONE_THREAD,
                process.URL_VARIABLE: self._url,
                # Whatever this process' own environment allows.
                process.MODELS_VARIABLE: ",".join(self._models),
            },
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(held,),
            start_new_session=True,
        )
        os.close(held)
        said: deque[str] = deque(maxlen=1)
        relay = threading.Thread(target=_relay, args=(worker, said), daemon=True)
        relay.start()
        self._processes[worker] = _Watch(self._clock(), ending, said, relay)

    def _forget(self, worker: subprocess.Popen[bytes]) -> None:
        watch = self._processes.pop(worker)
        if worker.stdin:
            worker.stdin.close()
        os.close(watch.ending)
        # Somebody else may hold the other end for longer: a process that the worker has started.
        watch.relay.join(1)

    def stop(self, grace: float | None = None) -> None:
        """End the workers: each has `grace` seconds to finish the slave that it is working for.

        If that is interrupted, they are killed.
        """
        deadline = time.monotonic() + (GRACE if grace is None else grace)
        for worker in self._processes:
            worker.terminate()
        try:
            for worker in self._processes:
                with suppress(subprocess.TimeoutExpired):
                    worker.wait(max(0.0, deadline - time.monotonic()))
        finally:
            for worker in list(self._processes):
                worker.kill()
                worker.wait()
                self._forget(worker)

    def __enter__(self) -> Self:
        try:
            self.revive()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        # With Redis away, they would only wait to say good-bye.
        self.stop(0 if isinstance(error, RedisError) else None)


def _relay(worker: subprocess.Popen[bytes], said: deque[str]) -> None:
    """Pass on what a worker writes to standard error, and keep the last line."""
    if not worker.stderr:
        return
    with worker.stderr, suppress(OSError):
        for line in worker.stderr:
            os.write(2, line)
            if text := line.decode(errors="replace").strip():
                said.append(text)


def _reason(code: int, said: deque[str]) -> str:
    """Tell why a process has ended, by its exit code and its last line."""
    if code == -signal.SIGKILL:
        return "was killed, perhaps since memory ran out"
    if code < 0:
        return f"was ended by signal {-code} ({signal.strsignal(-code)})"
    return f"ended with: {said[0] if said else f'exit code {code}'}"
