"""The same work as a NumPy loop in one process, one thread: what a round can't beat alone.

Nothing of fedredis is in it but the model, the measure and the seeds: no exchanges, no integers,
no checks. Slaves are worked for one by one, as by whoever calls a slave at a time, or those of one
size as a stack of matrices, as fedredis' own workers do. (The exchanges in one process,
`fedredis.exchanges.here`, take up to three times as long one by one, so they are no floor.)
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fedredis.exchanges.stacks import Stack
from fedredis.exchanges.stacks import stacked as stacks_of
from fedredis.models import stack

if TYPE_CHECKING:
    from benchmarks.work import Work
    from fedredis.exchanges.stacks import Part


@dataclass(frozen=True)
class Floor:
    """What the loop came to."""

    accuracy: float
    #: Milliseconds of each round: training of all slaves, average, evaluation of all.
    round_ms: list[float]


def run_floor(work: Work, *, stacked: bool = False) -> Floor:
    """Train and test, slave by slave or in stacks."""
    config, measure, model = work.config, work.setup.measure, work.setup.model(work.known)
    rows = {slave: work.slave(int(slave)) for slave in config.slave_ids}
    parts: tuple[Part, ...] = ("train", "test")
    to_train, to_test = (
        stacks_of(rows, part)
        if stacked
        else [Stack(part, (slave,), (its,)) for slave, its in rows.items()]
        for part in parts
    )
    samples = sum(len(of_slave.train_y) for of_slave in rows.values())
    parameters, round_ms, accuracy = work.initial(), list[float](), 0.0
    for number in range(1, config.rounds + 1):
        started = time.perf_counter()
        total: Any = [0.0] * len(parameters)
        for group in to_train:
            rngs = config.local_rngs(number, group.slaves)
            settings = config.training(number)
            trained = stack.train(model, parameters, group.X, group.y, settings, rngs)
            for arrays in zip(*trained, strict=True):
                total = [t + a * group.y.shape[1] for t, a in zip(total, arrays, strict=True)]
        parameters = [array / samples for array in total]
        test: Any = [0] * len(measure.quantities())
        for group in to_test:
            sums = measure.sums(stack.predict(model, parameters, group.X), group.y)
            test = [t + array.sum(axis=0) for t, array in zip(test, sums, strict=True)]
        accuracy = measure.summary(test, work.known)["accuracy"]
        round_ms.append((time.perf_counter() - started) * 1000)
    return Floor(accuracy, round_ms)
