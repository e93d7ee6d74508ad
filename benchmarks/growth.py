"""How cost grows: ``python -m benchmarks.growth``.

Time, commands and bytes a round, and Redis' memory, for 10 to 10,000 slaves of the songs and for
36 to 10 million parameters, with the exponent of a power law fitted to each (1.0: linear).
"""

from __future__ import annotations

import argparse
import os
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import wide
from benchmarks.harness import Bench, bench
from fedredis.jobs.pool import PROGRAM

if TYPE_CHECKING:
    from fedredis.keys import RoundName

SLAVES = (10, 100, 1_000, 10_000)
PARAMETERS = (36, 1_000, 10_000, 100_000, 1_000_000, 10_000_000)
ROUNDS = 6
#: What is measured, with its unit.
MEASURES = {
    "ms": "ms a round",
    "commands": "commands a round",
    "bytes": "bytes a round",
    "memory": "Redis memory, bytes",
}


@dataclass(frozen=True)
class Point:
    """What a round costs, typically, at one size."""

    size: int
    ms: float
    commands: float
    bytes: float
    memory: float


def measure(on: Bench, size: int, slaves: int, **settings: object) -> Point:
    """Run a few rounds; the first are left out."""
    folder, config = on.partitions(slaves, rounds=ROUNDS, features="plain", **settings)
    marks: list[tuple[float, float, float]] = []

    def report(name: RoundName, entry: object) -> None:
        if name.kind == "train":
            info = on.client.info()
            traffic = info["total_net_input_bytes"] + info["total_net_output_bytes"]
            marks.append((info["total_commands_processed"], traffic, info["used_memory"]))

    module = "benchmarks.wide" if config.model == "wide" else PROGRAM
    measured = on.run(folder, config, report=report, module=module)
    steps = np.diff(np.array(marks[1:]), axis=0)
    return Point(
        size=size,
        ms=statistics.median(measured.round_ms[2:]),
        commands=float(np.median(steps[:, 0])),
        bytes=float(np.median(steps[:, 1])),
        memory=float(np.median([mark[2] for mark in marks[1:]])),
    )


def exponent(points: list[Point], name: str, least: int) -> float:
    """Fit ``cost = a size^b`` to the sizes from `least` on; return b."""
    fitted = [point for point in points if point.size >= least]
    sizes = np.log([point.size for point in fitted])
    costs = np.log([getattr(point, name) for point in fitted])
    return float(np.polyfit(sizes, costs, 1)[0])


def table(title: str, points: list[Point], least: int) -> Table:
    """Draw the points, and the exponents fitted from `least` on."""
    drawn = Table(title, *MEASURES.values())
    for point in points:
        drawn.add_row(f"{point.size:,}", *(f"{getattr(point, name):,.0f}" for name in MEASURES))
    exponents = [f"{exponent(points, name, least):.2f}" for name in MEASURES]
    drawn.add_row(f"exponent from {least:,}", *exponents, style="bold")
    return drawn


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most-slaves", type=int, default=SLAVES[-1])
    parser.add_argument("--most-parameters", type=int, default=PARAMETERS[-1])
    chosen = parser.parse_args()
    wide.register()
    console = Console()
    with bench() as on:
        by_slaves = [measure(on, n, n) for n in SLAVES if n <= chosen.most_slaves]
        by_parameters = []
        for size in (size for size in PARAMETERS if size <= chosen.most_parameters):
            os.environ[wide.PARAMETERS] = str(size)
            by_parameters.append(measure(on, size, 10, model="wide"))
    curves = {
        "slaves": (by_slaves, min(1_000, chosen.most_slaves)),
        "parameters (10 slaves)": (by_parameters, min(100_000, chosen.most_parameters)),
    }
    for title, (points, least) in curves.items():
        console.print(table(title, points, least))


if __name__ == "__main__":
    main()
