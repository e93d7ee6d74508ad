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
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.linear_model import LogisticRegression

from benchmarks.harness import SOURCE, accuracies, partitions
from benchmarks.work import Work, read_rows
from fedredis.strategies import STRATEGIES

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
    root: Path, strategy: str, slaves: int, by: str, seeds: Iterable[int]
) -> list[dict[int, float]]:
    """Train once a seed; return the accuracy by round."""
    cuts = [partitions(root, slaves, s, by, rounds=ROUNDS, strategy=strategy) for s in seeds]
    return [accuracies(config, read_rows(folder, config)) for folder, config in cuts]


def pooled(root: Path, slaves: int, by: str, seed: int) -> float:
    """Fit all slaves' rows together; return the accuracy on all that they hold out."""
    work = Work.of(root, *partitions(root, slaves, seed, by))
    parts = [work.slave(slave) for slave in range(slaves)]
    X = np.concatenate([part.train_X for part in parts])
    fitted = LogisticRegression(C=1 / (work.config.l2 * len(X)), max_iter=10_000)
    fitted.fit(X, np.concatenate([part.train_y for part in parts]))
    test_X = np.concatenate([part.test_X for part in parts])
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
    console.print(SOURCE)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for slaves, by in FEDERATIONS:
            title = f"{slaves} slaves, {by}"
            results = {
                strategy: measure(root, strategy, slaves, by, seeds)
                for strategy in track(given.strategies, title, console=console)
            }
            drawn = table(title, results)
            fits = [pooled(root, slaves, by, seed) for seed in seeds]
            there = f"{sum(fit >= GOAL for fit in fits)} of {len(fits)}"
            mean = f"{statistics.mean(fits):.2%}"
            drawn.add_row("pooled fit", *[""] * (len(AFTER) - 1), mean, "", there)
            console.print(drawn)


if __name__ == "__main__":
    main()
