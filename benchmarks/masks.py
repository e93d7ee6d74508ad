"""What masks cost: ``python -m benchmarks.masks [--slaves 10 70] [--repetitions 3]``.

The same runs without and with masks, in turn, on two workers, from one round to the next: the
time, the processor time of master, workers and server together, which other work on the machine
changes less, and the bytes that pass through Redis for a slave's part, its test included.
"""

from __future__ import annotations

import argparse
import os
import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.harness import SOURCE, Bench, bench
from fedredis.exchanges import finished
from fedredis.secure.graph import SHARE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from fedredis.config import RunConfig
    from fedredis.keys import RoundName

#: What a round with masks takes at most, beside one without, by number of slaves.
TARGETS = {10: 1.6, 70: 2.5}
ROUNDS = 33
#: What is told, and the field of a cost that holds it.
FIGURES = {"ms": "ms", "ms of CPU": "cpu_ms", "bytes a slave": "traffic"}


@dataclass(frozen=True)
class Cost:
    """What a round took: milliseconds, of a processor's as well, and bytes a slave."""

    ms: float
    cpu_ms: float
    traffic: float
    accuracy: float


def spent(on: Bench) -> tuple[float, int]:
    """Return the seconds of processors and the bytes so far of all that takes part."""
    told, seconds = on.client.info(), 0.0
    here = psutil.Process()
    for process in (here, *here.children(recursive=True)):
        times = process.cpu_times()
        seconds += times.user + times.system
    return seconds, told["total_net_input_bytes"] + told["total_net_output_bytes"]


def measure(on: Bench, config: RunConfig, folder: Path) -> Cost:
    """Run once."""
    marks: list[tuple[float, int]] = []

    def report(name: RoundName, entry: Mapping[str, Any]) -> None:
        # While all workers are there: at the first end of a round of training, and the last.
        if finished(name, entry) in (1, config.rounds):
            marks.append(spent(on))

    measured = on.run(folder, config, report=report)
    (cpu, traffic), (cpu_after, traffic_after) = marks
    rounds = config.rounds - 1
    return Cost(
        measured.pace,
        1000 * (cpu_after - cpu) / rounds,
        (traffic_after - traffic) / rounds / config.slaves,
        measured.accuracy,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slaves", type=int, nargs="*", default=list(TARGETS))
    parser.add_argument("--repetitions", type=int, default=3)
    chosen = parser.parse_args()
    console = Console(width=120)
    console.print(
        f"{SOURCE}, {ROUNDS} rounds, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    table = Table(
        "slaves", "what", "without", "with masks", "ratio, each repetition", "median", "aim"
    )
    with bench() as on:
        for slaves in chosen.slaves:
            folder, config = on.partitions(slaves, rounds=ROUNDS, features="plain")
            hidden = replace(config, threshold=SHARE)
            pairs = [
                (measure(on, config, folder), measure(on, hidden, folder))
                for _ in range(chosen.repetitions)
            ]
            if any(plain.accuracy != secret.accuracy for plain, secret in pairs):
                console.print(f"of {slaves} slaves the accuracy is another one with masks")
            for what, field in (
                ("ms", "ms"),
                ("ms of CPU", "cpu_ms"),
                ("bytes a slave", "traffic"),
            ):
                each = [[getattr(cost, field) for cost in pair] for pair in pairs]
                ratios = [secret / plain for plain, secret in each]
                table.add_row(
                    f"{slaves}",
                    what,
                    *(f"{statistics.median(side):,.1f}" for side in zip(*each, strict=True)),
                    ", ".join(f"{ratio:.2f}" for ratio in ratios),
                    f"{statistics.median(ratios):.2f}",
                    f"{TARGETS.get(slaves, '-') if what == 'ms' else '-'}",
                )
    console.print(table)


if __name__ == "__main__":
    main()
