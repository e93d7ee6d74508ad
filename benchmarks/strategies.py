"""Every strategy beside the others: ``python -m benchmarks.strategies [--seeds 5]``.

Held-out accuracy after 5, 10 and 20 rounds of one run of 20 rounds, and how many rounds it takes
to 66 %: with 10 and with 70 slaves that are alike, and with 10 whose labels differ much. Options
and settings are the defaults.

Each seed is another cut, with other rows held out, and on some of them no fit reaches 66 %. So
accuracies are means over the seeds, and the rounds are those that the mean takes; the last column
says on how many seeds the run itself got there. The last line of a table is scikit-learn's fit on
all slaves' rows together, with the same features and the same rows held out.
"""

from __future__ import annotations

import argparse
import os
import statistics
from typing import TYPE_CHECKING, Any

# NumPy reads these when it is imported.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.progress import track  # noqa: E402
from rich.table import Table  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402

from benchmarks.harness import SONGS, Bench, bench  # noqa: E402
from fedredis import assembly  # noqa: E402
from fedredis.data.partition import open_partition  # noqa: E402
from fedredis.strategies import STRATEGIES  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Slaves, and how rows are dealt to them.
FEDERATIONS = ((10, "iid"), (70, "iid"), (10, "dirichlet:0.1"))
AFTER = (5, 10, 20)
ROUNDS = max(AFTER)
GOAL = 0.66


def rounds_to(goal: float, scores: dict[int, float]) -> int | None:
    """Tell the first round whose accuracy is at least `goal`."""
    return min((number for number, score in scores.items() if score >= goal), default=None)


def after(number: int, scores: dict[int, float]) -> float:
    """Tell the accuracy after a round; a run that has converged stays where it is."""
    return scores[min(number, max(scores))]


def measure(
    on: Bench, strategy: str, slaves: int, by: str, seeds: Iterable[int]
) -> list[dict[int, float]]:
    """Train once a seed; return the accuracy by round."""
    settings = {"rounds": ROUNDS, "strategy": strategy}
    return [
        on.run(*on.partitions(slaves, seed, by, **settings), workers=2).scores for seed in seeds
    ]


def pooled(on: Bench, slaves: int, by: str, seed: int) -> float:
    """Fit all slaves' rows together; return the accuracy on all that they hold out."""
    folder, config = on.partitions(slaves, seed, by)
    parts = [open_partition(folder, int(slave)) for slave in config.slave_ids]
    features, known = assembly.features_of(config), dict[str, Any]()
    X = np.concatenate([part.train_X for part in parts])
    while (name := features.next_pass(known)) is not None:
        known = features.learn(name, known, features.sums(name, known, X))
    fitted = LogisticRegression(C=1 / (config.l2 * len(X)), max_iter=10_000)
    fitted.fit(features.transform(known, X), np.concatenate([part.train_y for part in parts]))
    test_X = features.transform(known, np.concatenate([part.test_X for part in parts]))
    return float(fitted.score(test_X, np.concatenate([part.test_y for part in parts])))


def table(title: str, results: dict[str, list[dict[int, float]]]) -> Table:
    """Draw a federation: a line a strategy."""
    drawn = Table(title=title, title_justify="left")
    drawn.add_column("strategy", no_wrap=True)
    for name in (*(f"after {n}" for n in AFTER), f"rounds to {GOAL:.0%}", "seeds there"):
        drawn.add_column(name, justify="right")
    for strategy, runs in results.items():
        means = {
            number: statistics.mean(after(number, scores) for scores in runs)
            for number in range(1, ROUNDS + 1)
        }
        there = [scores for scores in runs if rounds_to(GOAL, scores)]
        drawn.add_row(
            strategy,
            *(f"{means[number]:.2%}" for number in AFTER),
            str(rounds_to(GOAL, means) or "-"),
            f"{len(there)} of {len(runs)}",
        )
    return drawn


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--strategies", nargs="*", default=sorted(STRATEGIES))
    given = parser.parse_args(arguments)
    console, seeds = Console(), range(given.seeds)
    console.print("the real songs" if SONGS.is_dir() else "synthetic songs")
    with bench() as on:
        for slaves, by in FEDERATIONS:
            title = f"{slaves} slaves, {by}"
            results = {
                strategy: measure(on, strategy, slaves, by, seeds)
                for strategy in track(given.strategies, title, console=console)
            }
            drawn = table(title, results)
            fits = [pooled(on, slaves, by, seed) for seed in seeds]
            there = f"{sum(fit >= GOAL for fit in fits)} of {len(fits)}"
            mean = f"{statistics.mean(fits):.2%}"
            drawn.add_row("pooled fit", *[""] * (len(AFTER) - 1), mean, "", there)
            console.print(drawn)


if __name__ == "__main__":
    main()
