"""fedredis: an embedded server, a master in this process and two workers.

A worker trains the slaves that it acts for as stacks (see `floor_stacked`), which no peer does,
and which a worker that holds the data of one slave only has no use for.
"""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from benchmarks.harness import bench
from benchmarks.peers.peer import Measurement, main

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.work import Work
    from fedredis.keys import RoundName

WORKERS = 2


def measure(work: Work) -> Measurement:
    """Train, and clock each round when its test is committed.

    The test of a round runs beside the training of the next, so a round's time is what lies
    between the tests of two rounds, not the training alone.
    """
    committed: dict[str, list[float]] = defaultdict(list)

    def report(name: RoundName, entry: Mapping[str, Any]) -> None:
        committed[name.kind].append(time.perf_counter())

    started = time.perf_counter()
    with bench() as on:
        run = on.run(work.partitions, work.config, WORKERS, report=report)
    # Training opens when the statistics of the features are in.
    ticks = [committed["statistics"][-1], *committed["evaluate"]]
    round_ms = [(b - a) * 1000 for a, b in itertools.pairwise(ticks)]
    return Measurement(round_ms, run.accuracy, ticks[1] - started)


if __name__ == "__main__":
    main("fedredis", version("fedredis"), measure)
