"""What attackers do to training: ``python -m benchmarks.attacks [--seeds N]``.

Two of ten slaves attack; held-out accuracy over all slaves, with federated averaging and with
each robust rule, as the mean over the seeds. Then what the rules cost without an attack, where
slaves are unlike each other. What an attacker does:

- ``signs``: with the step d that an honest slave would take, it takes -10 d;
- ``noise``: its step is drawn, each parameter's from a standard normal distribution;
- ``labels``: it trains honestly, on labels in reverse order: class c becomes classes - 1 - c.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.harness import SOURCE, accuracies, partitions
from benchmarks.work import read_rows
from fedredis import exchanges
from fedredis.arrays import Sum
from fedredis.exchanges.training import Training
from fedredis.strategies import STRATEGIES
from fedredis.strategies.robust import Robust

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from fedredis.arrays import Updates
    from fedredis.exchanges import AtHand, Rows

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
#: What an honest step is multiplied with.
SIGNS = -10.0
#: Cuts by which slaves are more and more unlike each other, in labels and numbers of rows.
CUTS = ("iid", "dirichlet:1", "dirichlet:0.1")
RULES = [name for name, strategy in STRATEGIES.items() if issubclass(strategy, Robust)]


@dataclass(frozen=True, eq=False)
class Attacked(Training):
    """A round of training in which some slaves attack: those of the moment's `attackers`."""

    def local(self, at: AtHand) -> Updates:
        """Do the honest slaves' part, and the others'."""
        rule, updates = self.rule, super().local(at)
        for i, slave in enumerate(updates.slaves):
            if attackers.get(slave) not in ("signs", "noise"):
                continue
            rows, own = updates.samples[i], [stack[i] for stack in updates.stacks]
            honest = rule.decode(own) if isinstance(rule, Sum) else own
            rng = np.random.default_rng([self.setup.config.seed, self.number, int(slave), 1])
            moved = [
                rows * (w + _step(attackers[slave], array / rows - w, rng))
                for array, w in zip(honest, self.sent.parameters, strict=True)
            ]
            travels = rule.encode([array[np.newaxis] for array in moved], updates.samples[[i]])
            for stack, array in zip(updates.stacks, travels, strict=True):
                stack[i] = array[0]
        return updates


#: The attack of each slave that makes one.
attackers: dict[str, str] = {}


def _step(attack: str, honest: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    return rng.normal(size=honest.shape) if attack == "noise" else SIGNS * honest


def accuracy(
    root: Path, strategy: str, who: Mapping[str, str], seeds: int, cut: str = CUTS[0]
) -> float:
    """Measure the mean held-out accuracy over seeds."""
    attackers.clear()
    attackers.update(who)
    results = []
    for seed in range(seeds):
        folder, config = partitions(root, SLAVES, seed, cut, rounds=ROUNDS, strategy=strategy)
        rows: dict[str, Rows] = {**read_rows(folder, config)}
        last = len(config.classes) - 1
        for slave in (slave for slave, attack in who.items() if attack == "labels"):
            rows[slave] = replace(rows[slave], train_y=last - rows[slave].train_y)
        with mock.patch.dict(exchanges.KINDS, train=Attacked):
            results.append(accuracies(config, rows)[ROUNDS])
    return statistics.mean(results)


def table(title: str, columns: Mapping[str, Callable[[str], float]], clean: list[float]) -> Table:
    """Measure every strategy in every column; in brackets the distance from `clean`, in points."""
    drawn = Table(title, *columns)
    for strategy in ("fedavg", *RULES):
        results = [measure(strategy) for measure in columns.values()]
        # Adding 0 makes a 0 of a -0.
        points = [round(100 * (r - c), 1) + 0.0 for r, c in zip(results, clean, strict=True)]
        cells = [f"{r:.2%} ({p:+.1f})" for r, p in zip(results, points, strict=True)]
        drawn.add_row(strategy, *cells)
    return drawn


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    seeds, console = parser.parse_args().seeds, Console(width=140)
    console.print(
        f"{SOURCE}, {SLAVES} slaves, {FIRST} and {SECOND} attack, {ROUNDS} rounds, mean of "
        f"{seeds} seeds; in brackets the distance from fedavg without an attack, in points"
    )
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        clean = [accuracy(root, "fedavg", {}, seeds, cut) for cut in CUTS]
        attacked = {
            name: lambda strategy, who=who: accuracy(root, strategy, who, seeds)
            for name, who in ATTACKS.items()
        }
        console.print(table("strategy", attacked, clean[:1] * len(ATTACKS)))
        unlike = {
            cut: lambda strategy, cut=cut: accuracy(root, strategy, {}, seeds, cut) for cut in CUTS
        }
        console.print(table("no attack", unlike, clean))


if __name__ == "__main__":
    main()
