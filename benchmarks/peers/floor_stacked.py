"""The plain loop with fedredis' own shortcut: slaves of one size trained as a stack.

A fedredis worker that acts for many slaves does so, too; whoever calls a slave at a time can't.
Beside this loop one sees what fedredis' coordination costs, beside the floor what stacking gains.
"""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.peers.peer import Measurement, main
from fedredis import assembly
from fedredis.jobs.task import stacks
from fedredis.models.protocol import StackedModel

if TYPE_CHECKING:
    from benchmarks.peers.work import Work


def measure(work: Work) -> Measurement:
    """Run the loop: the same sums, a stack at a time."""
    started = time.perf_counter()
    config, model = work.config, work.model
    of_test = assembly.measure_of(config)
    assert isinstance(model, StackedModel)
    rows = {slave: work.slave(int(slave)) for slave in config.slave_ids}
    trained_together = list(stacks({slave: part.train_X for slave, part in rows.items()}))
    tested_together = list(stacks({slave: part.test_X for slave, part in rows.items()}))
    weights, ticks, accuracy = work.initial(), [started], 0.0
    for number in range(1, config.rounds + 1):
        total: Any = 0.0
        for slaves in trained_together:
            results = model.train_stack(
                weights,
                [rows[slave].train_X for slave in slaves],
                [rows[slave].train_y for slave in slaves],
                config.training(number),
                [np.random.default_rng([config.seed, number, int(slave)]) for slave in slaves],
            )
            for slave, trained in zip(slaves, results, strict=True):
                total = total + trained[0] * work.samples(int(slave))
        weights = [total / sum(len(part.train_y) for part in rows.values())]
        test = of_test.schema().zeros()
        for slaves in tested_together:
            sums = model.evaluate_stack(
                weights,
                [rows[slave].test_X for slave in slaves],
                [rows[slave].test_y for slave in slaves],
            )
            for of_slave in sums:
                test = [a + b for a, b in zip(test, of_slave, strict=True)]
        accuracy = of_test.figures(test)["accuracy"]
        ticks.append(time.perf_counter())
    round_ms = [(b - a) * 1000 for a, b in itertools.pairwise(ticks)]
    return Measurement(round_ms, accuracy, ticks[1] - started, {"processes": 1})


if __name__ == "__main__":
    main("floor-stacked", f"numpy {np.__version__}", measure)
