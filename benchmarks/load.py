"""Loads: ``python -m benchmarks.load [many|wide]``.

`many`: 1,000 slaves on 3 workers; `wide`: a 50 MB model; each with the peak memory of the master
and the workers.
"""

from __future__ import annotations

import os
import resource
import sys
import time
import tracemalloc

from rich.console import Console
from rich.table import Table

from benchmarks import wide
from benchmarks.harness import Bench, bench

MB = 1 << 20
#: Bytes of the wide model.
WIDE = 50_000_000


def peak_of_this_process() -> int:
    """Return the most memory that this process has held (bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def peak_of_children() -> int:
    """Return the most memory that one of the ended child processes has held (bytes)."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def many(on: Bench) -> Table:
    """Train 1,000 slaves on 3 workers."""
    folder, config = on.partitions(1_000, rounds=10, features="plain")
    cutting, started = peak_of_children(), time.perf_counter()
    measured = on.run(folder, config, workers=3)
    complete = measured.updates == 10_000
    return _report("1,000 slaves, 3 workers, 10 rounds", complete, started, cutting)


def wide_model(on: Bench) -> Table:
    """Train a 50 MB model over 10 slaves."""
    os.environ[wide.PARAMETERS] = str(WIDE // 8)
    wide.register()
    folder, config = on.partitions(10, rounds=5, features="plain", model="wide")
    cutting, started = peak_of_children(), time.perf_counter()
    # What a process holds of memory is more: the modules that it has imported meanwhile.
    tracemalloc.start()
    measured = on.run(folder, config, workers=3, module="benchmarks.wide")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    table = _report("10 slaves, 50 MB model, 5 rounds", measured.updates == 50, started, cutting)
    table.add_row("master, allocated at once", f"{most / MB:.0f} MB, {most / WIDE:.2f} models")
    return table


def _report(title: str, complete: bool, started: float, cutting: int) -> Table:
    """Draw what was measured; `cutting` is the peak of the process that cut the data (bytes)."""
    table = Table(title, "")
    table.add_row("every update counted once", "yes" if complete else "NO")
    table.add_row("seconds", f"{time.perf_counter() - started:.1f}")
    table.add_row("master, peak memory", f"{peak_of_this_process() / MB:.0f} MB")
    workers = peak_of_children()
    most = "" if workers > cutting else "at most "
    table.add_row("largest worker, peak memory", f"{most}{workers / MB:.0f} MB")
    return table


if __name__ == "__main__":
    loads = {"many": many, "wide": wide_model}
    with bench() as running:
        for name in sys.argv[1:] or ("many", "wide"):
            Console().print(loads[name](running))
