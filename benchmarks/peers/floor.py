"""The loop in one process, slave by slave: what the others are measured against."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.floor import run_floor
from benchmarks.peers.peer import Measurement, main

if TYPE_CHECKING:
    from benchmarks.work import Work


def measure(work: Work, *, stacked: bool = False) -> Measurement:
    """Run the loop."""
    started = time.perf_counter()
    floor = run_floor(work, stacked=stacked)
    setup = time.perf_counter() - started - sum(floor.round_ms[1:]) / 1000
    return Measurement(floor.round_ms, floor.accuracy, setup)


if __name__ == "__main__":
    main("floor", f"numpy {np.__version__}", measure)
