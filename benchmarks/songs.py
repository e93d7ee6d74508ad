"""The demonstration's figures: ``python -m benchmarks.songs``.

Held-out accuracy over five seeds with 10 and with 70 slaves, the time of a round beside the same
loop in one process, and the whole command from its start to its end.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.floor import run_floor
from benchmarks.harness import SONGS, SOURCE, Bench, bench
from benchmarks.work import Work

SEEDS = range(5)
ROUNDS = 20
#: Accuracy that the mean over the seeds must reach, by number of slaves.
TARGETS = {10: 0.66, 70: 0.655}


def accuracy(on: Bench) -> Table:
    """Measure held-out accuracy."""
    table = Table("slaves", *(f"seed {seed}" for seed in SEEDS), "mean", "target")
    for slaves, target in TARGETS.items():
        results = [on.run(*on.partitions(slaves, seed, rounds=ROUNDS)).accuracy for seed in SEEDS]
        mean = statistics.mean(results)
        table.add_row(str(slaves), *(f"{a:.2%}" for a in results), f"{mean:.2%}", f"{target:.1%}")
    return table


def rounds(on: Bench) -> Table:
    """Measure rounds beside the loop in one process, in turn."""
    table = Table("slaves", "features", "loop, ms", "2 workers, ms", "ratio", "same accuracy")
    for slaves in TARGETS:
        for features in ("plain", "quadratic"):
            folder, config = on.partitions(slaves, rounds=ROUNDS, features=features)
            loops, runs_, same = [], [], set()
            for _ in range(3):
                floor = run_floor(Work.of(on.folder, folder, config))
                run = on.run(folder, config)
                loops.append(statistics.median(floor.round_ms))
                runs_.append(statistics.median(run.round_ms))
                same.add(abs(floor.accuracy - run.accuracy) < 1e-12)
            ratio = statistics.median(r / f for r, f in zip(runs_, loops, strict=True))
            table.add_row(
                str(slaves),
                features,
                f"{statistics.median(loops):.1f}",
                f"{statistics.median(runs_):.1f}",
                f"{ratio:.2f}",
                "yes" if same == {True} else "no",
            )
    return table


def command() -> Table:
    """Measure the whole command."""
    table = Table("command", "seconds, median of 5")
    fedredis = Path(sys.executable).with_name("fedredis")
    data = ["--data", str(SONGS)] if SONGS.is_dir() else []
    for args in (["--help"], ["run", "--slaves", "10", "--rounds", "20", *data]):
        seconds = []
        for _ in range(5):
            with tempfile.TemporaryDirectory() as folder:
                started = time.perf_counter()
                subprocess.run([str(fedredis), *args], cwd=folder, check=True, capture_output=True)
                seconds.append(time.perf_counter() - started)
        shown = "fedredis " + " ".join(args[:5])
        table.add_row(shown, f"{statistics.median(seconds):.2f}")
    return table


def main() -> None:
    """Print the tables."""
    console = Console()
    console.print(f"{SOURCE}, {ROUNDS} rounds, {os.cpu_count()} cores")
    with bench() as on:
        console.print(accuracy(on))
        console.print(rounds(on))
    console.print(command())


if __name__ == "__main__":
    main()
