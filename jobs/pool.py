"""A number of worker processes on this machine, kept at that number."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Self

from fedredis.jobs import process

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

#: One thread a process: workers share the cores, and sums keep their order.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

#: Seconds that a worker has to finish the slave it is working for.
GRACE = 30.0


class WorkerPool:
    """Starts worker processes, replaces those that die, and ends them with the context."""

    def __init__(
        self, url: str, directory: Path, workers: int, *, module: str = process.__name__
    ) -> None:
        """Prepare for `workers` processes that run `module` as their main program."""
        self._url, self._directory, self._size = url, directory, workers
        self._module = module
        self._processes: list[subprocess.Popen[bytes]] = []

    def revive(self) -> None:
        """Bring the pool to its size: at the start, and after a worker has died."""
        for worker in self._processes:
            if worker.poll() is not None and worker.stdin:
                worker.stdin.close()
        self._processes = [w for w in self._processes if w.returncode is None]
        while len(self._processes) < self._size:
            self._processes.append(self._start())

    def wait(self) -> None:
        """Block until a worker has ended."""
        if self._processes:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)

    def _start(self) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C in the terminal is for the master, which ends the workers.
        return subprocess.Popen(
            [
                *(sys.executable, "-m", self._module),
                *(str(self._directory), "--with-parent"),
            ],
            env={**os.environ, **ONE_THREAD, process.URL_VARIABLE: self._url},
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def stop(self) -> None:
        """End the workers: each finishes the slave that it is working for."""
        deadline = time.monotonic() + GRACE
        for worker in self._processes:
            worker.terminate()
        for worker in self._processes:
            try:
                worker.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
            if worker.stdin:
                worker.stdin.close()
        self._processes = []

    def __enter__(self) -> Self:
        self.revive()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
