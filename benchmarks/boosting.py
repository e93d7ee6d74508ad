"""Trees: ``python -m benchmarks.boosting [losses] [songs] [speed] [memory]``.

- losses: held-out loss beside scikit-learn's `HistGradientBoosting` on the same codes, with the
  same depth, shrinkage and L2, and on bins of its own;
- songs: held-out accuracy of `fedredis run --model trees` over five seeds, on two workers;
- speed: 100 rounds of three classes, depth 4, 64 bins, on two workers, in one process, and in
  scikit-learn, with all rows in one place and one thread;
- memory: what the master holds at most, of few slaves and of many.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
import tracemalloc
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import log_loss
from threadpoolctl import threadpool_limits

from benchmarks.harness import SOURCE, Bench, bench
from benchmarks.work import read_rows
from fedredis.config import RunConfig
from fedredis.data.reading import Reading
from fedredis.exchanges import Setup
from fedredis.exchanges.here import drive
from fedredis.exchanges.setup import BINS, BOOSTING, Prepared
from fedredis.features import Column
from fedredis.models import TREES
from fedredis.trees.boosting import ROUNDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fedredis.exchanges import Exchange, Rows, Step
    from fedredis.keys import RoundName

#: How far a loss may be from scikit-learn's on the same codes, as a share of it.
NEAR = 0.005
#: Cuts into rows to train on and held out, a fifth.
CUTS = 5
#: How many slaves there are where memory is measured.
SLAVES = (10, 100, 1000)
#: Accuracy that the mean over the seeds must reach, by number of slaves.
TARGETS = {10: 0.673, 70: 0.668}
GROWN: dict[str, Any] = {"model": TREES, "strategy": BOOSTING, "features": BINS}
#: What both grow in the comparisons: scikit-learn's own defaults, but for the depth and L2.
SAME = {"depth": "4", "shrinkage": "0.1", "l2": "1", "rows": "1", "columns": "1"}


@dataclass(frozen=True)
class Data:
    """Rows X (n, columns), of which some columns hold categories, and labels y (n,)."""

    X: NDArray[Any]
    y: NDArray[Any]
    classes: int
    categories: tuple[int, ...] = ()


def affairs() -> Data:
    """Return the survey of Fair (1978), with two categories, every tenth cell taken away."""
    import statsmodels.api as sm

    frame = sm.datasets.fair.load_pandas().data
    y = (frame.pop("affairs") > 0).to_numpy().astype(int)
    X = frame.to_numpy(float).copy()
    X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    places = [frame.columns.get_loc(name) for name in ("occupation", "occupation_husb")]
    return Data(X, y, 2, tuple(places))


DATA = {
    "breast cancer": lambda: Data(*load_breast_cancer(return_X_y=True), 2),
    "wine": lambda: Data(*load_wine(return_X_y=True), 3),
    "diabetes": lambda: Data(*load_diabetes(return_X_y=True), 0),
    "affairs, with categories and gaps": affairs,
}


def sklearn_of(data: Data, X: NDArray[Any], y: NDArray[Any], rounds: int) -> Any:
    """Fit scikit-learn's boosting, with the same settings and one thread."""
    kind = HistGradientBoostingClassifier if data.classes else HistGradientBoostingRegressor
    options = {"max_depth": 4, "max_leaf_nodes": None, "l2_regularization": 1.0, "max_bins": 64}
    with threadpool_limits(1):
        return kind(
            max_iter=rounds,
            categorical_features=list(data.categories) or None,
            early_stopping=False,
            **options,
        ).fit(X, y)


def loss_of(data: Data, y: NDArray[Any], found: NDArray[Any]) -> float:
    """Return the log loss, or the mean squared error, of predictions."""
    if data.classes:
        return float(log_loss(y, found, labels=range(data.classes)))
    return float(np.mean((found.ravel() - y) ** 2))


def compared(data: Data, cut: int, rounds: int) -> tuple[float, float, float]:
    """Return held-out losses: fedredis', scikit-learn's on the same codes, and on its own bins."""
    order = np.random.default_rng(cut).permutation(len(data.y))
    test, train = np.split(order, [len(order) // 5])
    columns = tuple(
        Column(f"x{j:02}", kind="category" if j in data.categories else "number")
        for j in range(data.X.shape[1])
    )
    # Categories are digests, which begin at 1.
    X = data.X + np.isin(range(data.X.shape[1]), data.categories)
    config = RunConfig(
        dataset="compared",
        columns=columns,
        classes=tuple("abc"[: data.classes]),
        slaves=1,
        rows=len(order),
        reading=Reading(missing="mean"),
        rounds=rounds,
        options=SAME,
        **GROWN,
    )
    setup = Setup(config)
    rows = Prepared(X[train], data.y[train], X[:0], data.y[:0])
    progress = drive(setup, {"0": rows})
    known = progress.artifacts[progress.preprocessing]
    model = list(progress.artifacts[progress.model].values())
    codes = setup.features.transform(known, X).astype(float)
    # Codes of categories come last; the last code of each column is that of missing cells.
    codes[codes == setup.forest(known).last] = np.nan
    numbers = data.X.shape[1] - len(data.categories)
    coded = replace(data, categories=tuple(range(numbers, data.X.shape[1])))

    def theirs(of: Data, rows: NDArray[Any]) -> float:
        fitted = sklearn_of(of, rows[train], data.y[train], rounds)
        predict = fitted.predict_proba if data.classes else fitted.predict
        return loss_of(data, data.y[test], predict(rows[test]))

    ours = loss_of(data, data.y[test], setup.predict(known, model, X[test]))
    return ours, theirs(coded, codes), theirs(data, data.X)


def songs(slaves: int = 1) -> tuple[RunConfig, Mapping[str, Rows]]:
    """Return the songs, cut among some slaves."""
    with bench() as on:
        folder, config = on.partitions(slaves, **GROWN, options=SAME, rounds=100)
        return config, read_rows(folder, config)


def losses(rounds: int) -> tuple[Table, bool]:
    """Compare held-out losses; say whether all are near enough."""
    columns = ("data", "rows", "fedredis", "scikit-learn, same codes", "apart", "its own bins")
    table, near = Table(*columns), True
    _, cut = songs()
    (part,) = cut.values()
    all_songs = Data(
        np.concatenate([part.train_X, part.test_X]), np.concatenate([part.train_y, part.test_y]), 3
    )
    for name, make in {**DATA, SOURCE: lambda: all_songs}.items():
        data = make()
        cuts = range(CUTS if len(data.y) < 9999 else 1)
        found = np.array([compared(data, at, rounds) for at in cuts])
        apart = np.abs(found[:, 0] / found[:, 1] - 1).max()
        near = near and bool(apart <= NEAR)
        mean = [f"{value:.5g}" for value in found.mean(axis=0)]
        table.add_row(name, f"{len(data.y):,}", *mean[:2], f"{apart:.1e}", mean[2])
    return table, near


def accuracy(seeds: int) -> Table:
    """Measure held-out accuracy, as the command does it."""
    names = [f"seed {seed}" for seed in range(seeds)]
    table = Table("slaves", *names, "mean", "aim", "seconds of a run")
    for slaves, target in TARGETS.items():
        found, seconds = [], []
        with bench() as on:
            for seed in range(seeds):
                folder, config = on.partitions(slaves, seed, rounds=ROUNDS, **GROWN)
                started = time.perf_counter()
                found.append(on.run(folder, config).accuracy)
                seconds.append(time.perf_counter() - started)
        mean, median = statistics.mean(found), statistics.median(seconds)
        of_seeds = [f"{one:.2%}" for one in found]
        table.add_row(f"{slaves}", *of_seeds, f"{mean:.2%}", f"{target:.1%}", f"{median:.1f}")
    return table


def speed(rounds: int, repetitions: int) -> Table:
    """Measure the same rounds through Redis and in one process, in turn, beside scikit-learn."""
    table = Table("what", "seconds", "processors at work, s", "beside one process", "aim")
    times: dict[str, list[tuple[float, float]]] = {}
    traffic: list[tuple[int, int]] = []

    def timed(name: str, started: float, at_work: float) -> None:
        done = time.perf_counter() - started, time.process_time() - at_work
        times.setdefault(name, []).append(done)

    with bench() as on:
        folder, config = on.partitions(10, **GROWN, options=SAME, rounds=rounds)
        rows = read_rows(folder, config)
        X = np.concatenate([part.train_X for part in rows.values()])
        y = np.concatenate([part.train_y for part in rows.values()])

        def report(name: RoundName, entry: Mapping[str, Any]) -> None:
            told = on.client.info("stats")
            bytes_ = told["total_net_input_bytes"] + told["total_net_output_bytes"]
            traffic.append((bytes_, name.kind == "grow"))

        exchanges = 0
        for _ in range(repetitions):
            begun = time.perf_counter(), time.process_time()
            drive(Setup(config), rows, together=5)
            timed("one process", *begun)
            at_work = _all_at_work(on)
            measured = on.run(folder, config, report=report)
            seconds = measured.pace * rounds / 1000
            times.setdefault("two workers", []).append((seconds, _all_at_work(on) - at_work))
            exchanges = sum(grown for _, grown in traffic)
            begun = time.perf_counter(), time.process_time()
            sklearn_of(Data(X, y, 3), X, y, rounds)
            timed("scikit-learn, one thread", *begun)
            moved = (traffic[-1][0] - traffic[0][0]) / rounds
            traffic.clear()
    middle = {name: np.median(np.array(of), axis=0) for name, of in times.items()}
    one = middle["one process"][0]
    for name, (seconds, work) in middle.items():
        aim = {"two workers": f"{8 * rounds / 100:.0f} s; 0.7"}.get(name, "-")
        table.add_row(name, f"{seconds:.1f}", f"{work:.1f}", f"{seconds / one:.2f}", aim)
    beyond = 1000 * (middle["two workers"][0] - one / 2) / max(1, exchanges)
    table.add_row("an exchange beyond half of that work", f"{beyond:.1f} ms", "", "", "8 ms")
    table.add_row("bytes a round", f"{moved:,.0f}")
    return table


def _all_at_work(on: Bench) -> float:
    """Return the processor time of this process, of workers that have ended, and of Redis."""
    server = on.client.info("cpu")
    return sum(os.times()[:4]) + server["used_cpu_user"] + server["used_cpu_sys"]


def memory(rounds: int, of: Sequence[int]) -> Table:
    """Measure what the master allocates at most, beside the largest sum that it holds."""
    table = Table("slaves", "master at most, MB", "largest sum, MB")
    with bench() as on:
        # First what is imported, and not counted.
        for told, slaves in enumerate((of[0], *of)):
            folder, config = on.partitions(slaves, **GROWN, options=SAME, rounds=rounds)
            largest: list[int] = []

            def seen(exchange: Exchange, step: Step, sizes: list[int] = largest) -> None:
                sizes.append(exchange.rule.schema.nbytes)

            if told:
                drive(Setup(config), read_rows(folder, config), seen=seen)
                tracemalloc.start()
            on.run(folder, config)
            if told:
                most = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
                table.add_row(f"{slaves:,}", f"{most / 1e6:.1f}", f"{max(largest) / 1e6:.2f}")
    return table


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["losses", "songs", "speed", "memory"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--slaves", nargs="+", type=int, default=SLAVES)
    chosen = parser.parse_args()
    console = Console()
    console.print(f"{SOURCE}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    near = True
    if "losses" in chosen.what:
        table, near = losses(chosen.rounds)
        console.print(table)
        console.print(f"every loss within {NEAR:.1%}" if near else f"beyond {NEAR:.1%}")
    if "songs" in chosen.what:
        console.print(accuracy(chosen.seeds))
    if "speed" in chosen.what:
        console.print(speed(chosen.rounds, chosen.repetitions))
    if "memory" in chosen.what:
        console.print(memory(chosen.rounds, chosen.slaves))
    sys.exit(0 if near else 1)


if __name__ == "__main__":
    main()
