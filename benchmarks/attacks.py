"""What attackers do to training: ``python -m benchmarks.attacks [--seeds N]``.

Two of ten slaves attack; held-out accuracy over all slaves, with federated averaging and with
each robust rule, as the mean over the seeds. Then what the rules cost without an attack, where
slaves are unlike each other.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING

# NumPy reads these when it is imported.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from benchmarks import attacks_worker  # noqa: E402
from benchmarks.harness import SONGS, Bench, bench  # noqa: E402
from fedredis.data.cut import write_partitions  # noqa: E402
from fedredis.data.cuts.spec import Cut  # noqa: E402
from fedredis.data.source import load  # noqa: E402
from fedredis.strategies import STRATEGIES  # noqa: E402
from fedredis.strategies.robust import Robust  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

    from fedredis.config import RunConfig

SLAVES, ROUNDS = 10, 20
#: Which slaves attack.
FIRST, SECOND = "3", "7"
#: What they do, by the name of the column.
ATTACKS = {
    "no attack": {},
    "signs x10": {FIRST: "signs", SECOND: "signs"},
    "noise": {FIRST: "noise", SECOND: "noise"},
    "labels": {FIRST: "labels", SECOND: "labels"},
    "signs and noise": {FIRST: "signs", SECOND: "noise"},
}
#: Cuts by which slaves are more and more unlike each other, in labels and numbers of rows.
CUTS = ("iid", "dirichlet:1", "dirichlet:0.1")
RULES = [name for name, strategy in STRATEGIES.items() if issubclass(strategy, Robust)]


def partitions(on: Bench, cut: str, seed: int) -> tuple[Path, RunConfig]:
    """Cut the songs, and make the config of a run on them."""
    folder, config = on.partitions(SLAVES, seed, rounds=ROUNDS)
    if cut != CUTS[0]:
        table = load(SONGS if SONGS.is_dir() else None, seed=seed)
        folder = on.folder / f"{cut}-{seed}".replace(":", "-")
        manifest = write_partitions(table, folder, SLAVES, seed, 0.2, Cut.parse(cut))
        config = replace(config, dataset=manifest.dataset)
    return folder, config


def accuracy(
    on: Bench, strategy: str, attackers: dict[str, str], seeds: int, cut: str = CUTS[0]
) -> float:
    """Measure the mean held-out accuracy over seeds."""
    os.environ[attacks_worker.ATTACKERS] = json.dumps(attackers)
    results = []
    for seed in range(seeds):
        folder, config = partitions(on, cut, seed)
        config = replace(config, strategy=strategy)
        measured = on.run(folder, config, workers=2, module=attacks_worker.__name__)
        assert measured.updates == SLAVES * ROUNDS
        results.append(measured.accuracy)
    return statistics.mean(results)


def cells(results: list[float], clean: list[float]) -> list[str]:
    """Write accuracies, each with its distance from a clean one in points."""
    # Adding 0 makes a 0 of a -0.
    points = [round(100 * (r - c), 1) + 0.0 for r, c in zip(results, clean, strict=True)]
    return [f"{r:.2%} ({p:+.1f})" for r, p in zip(results, points, strict=True)]


def attacked(on: Bench, seeds: int) -> Table:
    """Measure every strategy under every attack, beside federated averaging under none."""
    drawn = Table("strategy", *ATTACKS)
    clean = [accuracy(on, "fedavg", {}, seeds)] * len(ATTACKS)
    for strategy in ("fedavg", *RULES):
        results = [accuracy(on, strategy, who, seeds) for who in ATTACKS.values()]
        drawn.add_row(strategy, *cells(results, clean))
    return drawn


def unlike(on: Bench, seeds: int) -> Table:
    """Measure every strategy by every cut, beside federated averaging by the same one."""
    drawn = Table("no attack", *CUTS)
    clean = [accuracy(on, "fedavg", {}, seeds, cut) for cut in CUTS]
    for strategy in ("fedavg", *RULES):
        results = [accuracy(on, strategy, {}, seeds, cut) for cut in CUTS]
        drawn.add_row(strategy, *cells(results, clean))
    return drawn


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    chosen = parser.parse_args()
    source = "the real songs" if SONGS.is_dir() else "synthetic songs"
    console = Console(width=140)
    console.print(
        f"{source}, {SLAVES} slaves, {FIRST} and {SECOND} attack, {ROUNDS} rounds, mean of "
        f"{chosen.seeds} seeds; in brackets the distance from fedavg without an attack, in points"
    )
    with bench() as on:
        console.print(attacked(on, chosen.seeds))
        console.print(unlike(on, chosen.seeds))


if __name__ == "__main__":
    main()
