"""A slave's part in a round of training."""

from __future__ import annotations

import numpy as np

from fedredis.jobs.task import Contribution, Task


def contribute(task: Task) -> Contribution:
    """Train the global model on the slave's own rows; hand back parameters times rows.

    Randomness is derived from (seed, round, slave): who computes it, when, and how often makes
    no difference.
    """
    rows, model = task.rows, task.run.model
    rng = np.random.default_rng([task.run.config.seed, task.label.number, int(task.slave)])
    parameters = list(task.payload.values())
    trained = model.train(parameters, rows.train_X, rows.train_y, task.settings, rng)
    samples = len(rows.train_y)
    return Contribution(
        model.schema(),
        [array * samples for array in trained],
        samples,
        {"round": str(task.label.number)},
    )
