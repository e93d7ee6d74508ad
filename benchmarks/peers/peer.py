"""What a peer hands back, and the command line that all of them share."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from benchmarks.floor import run_floor
from benchmarks.work import Work, work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: How far a peer's accuracy may lie from the plain loop's: sums in another order, no other work.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Measurement:
    """What a peer measured of itself."""

    #: Milliseconds of each round: training of all slaves, average, test on all of them.
    round_ms: list[float]
    accuracy: float
    #: From the start of the peer to the end of its first round, the warm-up.
    setup_seconds: float


def typical(round_ms: list[float]) -> float:
    """Return the median round; the first is a warm-up, and left out."""
    return statistics.median(round_ms[1:])


def main(peer: str, version: str, measure: Callable[[Work], Measurement]) -> None:
    """Measure a peer, hold its result to the plain loop's, and print what came of it as JSON."""
    parser = argparse.ArgumentParser(description=f"The same work through {peer}.")
    parser.add_argument("--slaves", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5, help="the first is a warm-up")
    options = parser.parse_args()
    if options.slaves < 2 or options.rounds < 2:
        parser.error("there must be at least two slaves and two rounds")
    with work(options.slaves, options.rounds) as todo:
        with _quiet_stdout():
            measured = measure(todo)
        accuracy = run_floor(todo).accuracy
    assert len(measured.round_ms) == options.rounds
    assert abs(measured.accuracy - accuracy) < TOLERANCE, (measured.accuracy, accuracy)
    print(json.dumps({"version": version, **vars(options), **asdict(measured)}))


@contextmanager
def _quiet_stdout() -> Iterator[None]:
    """Send what a peer prints, and its processes, to standard error."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
