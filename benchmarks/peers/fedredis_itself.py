"""fedredis: an embedded server, a master in this process and two workers.

A worker trains the slaves that it acts for as stacks (see `floor_stacked`), which no peer does,
and which a worker that holds the data of one slave only has no use for.
"""

from __future__ import annotations

import itertools
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from benchmarks.harness import bench
from benchmarks.peers.peer import Measurement, main
from fedredis.jobs.dispatch import Dispatcher
from fedredis.jobs.pool import WorkerPool
from fedredis.keys import Kind, Label
from fedredis.master import create_run, drive_run
from fedredis.store import runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.peers.work import Work

WORKERS = 2


def measure(work: Work) -> Measurement:
    """Train, and clock each round when its test is committed.

    The test of a round runs beside the training of the next, so a round's time is what lies
    between the tests of two rounds, not the training alone.
    """
    committed: dict[Kind, list[float]] = {kind: [] for kind in Kind}

    def report(label: Label, entry: Mapping[str, Any]) -> None:
        committed[label.kind].append(time.perf_counter())

    started = time.perf_counter()
    with bench() as on:
        run_id = create_run(on.client, work.config)
        with WorkerPool(on.url, work.partitions, WORKERS) as pool:
            drive_run(
                on.client,
                run_id,
                dispatcher=lambda store, config: Dispatcher(
                    on.client,
                    store,
                    config,
                    own_workers=WORKERS,
                    revive=pool.revive,
                    clock=time.monotonic,
                ),
                report=report,
                clock=time.monotonic,
            )
        accuracy = runs.read(on.client, run_id).score
    assert accuracy is not None
    # Training opens when the statistics of the features are in.
    ticks = [committed[Kind.STATISTICS][-1], *committed[Kind.EVALUATE]]
    round_ms = [(b - a) * 1000 for a, b in itertools.pairwise(ticks)]
    return Measurement(
        round_ms, accuracy, ticks[1] - started, {"workers": WORKERS, "trains": "in stacks"}
    )


if __name__ == "__main__":
    main("fedredis", version("fedredis"), measure)
