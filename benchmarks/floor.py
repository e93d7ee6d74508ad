"""The same work as plain NumPy loops in one process, one thread: what a round can't beat alone.

The partitions, features, model and schedule are those of a run; nothing else is: no Redis, no
jobs, no other process.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fedredis import assembly
from fedredis.data.partition import open_partition

if TYPE_CHECKING:
    from pathlib import Path

    from fedredis.codec import Arrays
    from fedredis.config import RunConfig
    from fedredis.features.protocol import Known


@dataclass(frozen=True)
class Floor:
    """What the loop came to."""

    accuracy: float
    parameters: Arrays
    #: Milliseconds of each round: training of all slaves, average, evaluation of all.
    round_ms: list[float]


def run_floor(folder: Path, config: RunConfig) -> Floor:
    """Train and evaluate in this process, as a run of this config would."""
    features, measure = assembly.features_of(config), assembly.measure_of(config)
    slaves = [open_partition(folder, int(slave)) for slave in config.slave_ids]
    known: Known = {}
    while (name := features.next_pass(known)) is not None:
        total = features.schema(name).zeros()
        for slave in slaves:
            _add(total, features.sums(name, known, slave.train_X))
        known = features.learn(name, known, total)
    model = assembly.model_of(config, known)
    rows = [
        (
            features.transform(known, slave.train_X),
            slave.train_y,
            features.transform(known, slave.test_X),
            slave.test_y,
        )
        for slave in slaves
    ]
    parameters = model.initialise(np.random.default_rng([config.seed, 0]))
    round_ms, test = [], measure.schema().zeros()
    for number in range(1, config.rounds + 1):
        started = time.perf_counter()
        total, samples = model.schema().zeros(), 0
        for slave, (X, y, _, _) in enumerate(rows):
            rng = config.local_rng(number, str(slave))
            trained = model.train(parameters, X, y, config.training(number), rng)
            _add(total, [array * len(y) for array in trained])
            samples += len(y)
        parameters = [array / samples for array in total]
        test = measure.schema().zeros()
        for _, _, X, y in rows:
            _add(test, measure.sums(model.predict(parameters, X), y))
        round_ms.append((time.perf_counter() - started) * 1000)
    return Floor(measure.figures(test)["accuracy"], parameters, round_ms)


def _add(total: Arrays, arrays: Arrays) -> None:
    for accumulated, array in zip(total, arrays, strict=True):
        accumulated += array
