"""A number of worker processes on this machine, kept at that number."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Self

from fedredis.jobs import process

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path
    from types import TracebackType

    from fedredis.data.own import OwnFile

#: One thread a process: workers share the cores, and sums keep their order.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

#: Seconds that a worker has to finish the slave it is working for.
GRACE = 30.0


class WorkerPool:
    """Starts worker processes, replaces those that die, and ends them with the context."""

    def __init__(
        self,
        url: str,
        rows: Path | OwnFile,
        workers: int,
        *,
        module: str = process.__name__,
        models: Collection[str] = (),
        owner: Sequence[str] = (),
    ) -> None:
        """Prepare for `workers` processes that run `module` as their main program.

        They hold the `rows` of a partition folder, or of a slave's own file. They may import the
        `models` of users' own that are given, and no others. `owner` are the arguments that name
        their policy file.
        """
        self._url, self._rows, self._size = url, rows, workers
        self._module, self._models, self._owner = module, sorted(models), owner
        #: Each with a pipe that nobody writes to: it ends when the process does.
        self._processes: dict[subprocess.Popen[bytes], int] = {}

    def revive(self) -> None:
        """Bring the pool to its size: at the start, and after a worker has died."""
        for worker in [w for w in self._processes if w.poll() is not None]:
            self._forget(worker)
        while len(self._processes) < self._size:
            self._start()

    def wait(self) -> None:
        """Block until a worker has ended. Other children of this process make no difference."""
        with selectors.DefaultSelector() as selector:
            for worker, ending in self._processes.items():
                selector.register(ending, selectors.EVENT_READ, worker)
            for ended, _ in selector.select() if self._processes else ():
                ended.data.wait()

    def _start(self) -> None:
        ending, held = os.pipe()
        # A session of its own: Ctrl-C in the terminal is for the master, which ends the workers.
        worker = subprocess.Popen(
            [
                *(sys.executable, "-m", self._module),
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
            pass_fds=(held,),
            start_new_session=True,
        )
        os.close(held)
        self._processes[worker] = ending

    def _forget(self, worker: subprocess.Popen[bytes]) -> None:
        if worker.stdin:
            worker.stdin.close()
        os.close(self._processes.pop(worker))

    def stop(self) -> None:
        """End the workers: each finishes the slave that it is working for."""
        deadline = time.monotonic() + GRACE
        for worker in self._processes:
            worker.terminate()
        for worker in list(self._processes):
            try:
                worker.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
            self._forget(worker)

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
