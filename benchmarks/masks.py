"""What masks cost: ``python -m benchmarks.masks [--slaves 10 70] [--repetitions 3]``.

The same runs without and with masks, in turn, on two workers: the time from one round to the next,
and the bytes that pass through Redis for a slave's part in a round, its test included.
"""

from __future__ import annotations

import argparse
import os
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from benchmarks.harness import SOURCE, Bench, bench
from fedredis.secure.graph import SHARE

if TYPE_CHECKING:
    from pathlib import Path

    from fedredis.config import RunConfig

#: What a round with masks takes at most, beside one without, by number of slaves.
TARGETS = {10: 1.6, 70: 2.5}
ROUNDS = 33


def measure(on: Bench, config: RunConfig, folder: Path) -> tuple[float, float, float]:
    """Run once; return ms a round, bytes a slave and round, and the accuracy."""
    marks: list[int] = []

    def report(name: object, entry: object) -> None:
        told = on.client.info("stats")
        marks.append(told["total_net_input_bytes"] + told["total_net_output_bytes"])

    measured = on.run(folder, config, report=report)
    traffic = (marks[-1] - marks[0]) / config.rounds / config.slaves
    return measured.pace, traffic, measured.accuracy


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slaves", type=int, nargs="*", default=list(TARGETS))
    parser.add_argument("--repetitions", type=int, default=3)
    chosen = parser.parse_args()
    console = Console()
    console.print(
        f"{SOURCE}, {ROUNDS} rounds, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    columns = (
        "slaves",
        "without, ms",
        "with masks, ms",
        "ratio, each repetition",
        "median",
        "aim",
    )
    table = Table(*columns, "bytes a slave", "with masks", "same accuracy")
    with bench() as on:
        for slaves in chosen.slaves:
            folder, config = on.partitions(slaves, rounds=ROUNDS, features="plain")
            hidden = replace(config, threshold=SHARE)
            pairs = [
                (measure(on, config, folder), measure(on, hidden, folder))
                for _ in range(chosen.repetitions)
            ]
            ratios = [secret[0] / plain[0] for plain, secret in pairs]
            middle = [
                [statistics.median(run[side][at] for run in pairs) for at in (0, 1)]
                for side in (0, 1)
            ]
            table.add_row(
                f"{slaves}",
                *(f"{ms:.1f}" for ms, _ in middle),
                ", ".join(f"{ratio:.2f}" for ratio in ratios),
                f"{statistics.median(ratios):.2f}",
                f"{TARGETS.get(slaves, 0) or '-'}",
                *(f"{traffic:,.0f}" for _, traffic in middle),
                "yes" if all(plain[2] == secret[2] for plain, secret in pairs) else "no",
            )
    console.print(table)


if __name__ == "__main__":
    main()
