"""Slaves' part in a round of training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fedredis.jobs.task import Contributions, Task, stacks
from fedredis.models.protocol import StackedModel
from fedredis.update import Update

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedredis.codec import Arrays
    from fedredis.data.partition import Partition


def contribute(task: Task) -> Contributions:
    """Train the global model on each slave's own rows; hand back parameters times rows.

    Randomness is derived from (seed, round, slave): who computes it, when, beside whom, and how
    often makes no difference.
    """
    rows = task.rows()
    work = Contributions(task.run.model.schema(), (), [])
    for slaves in stacks({slave: part.train_X for slave, part in rows.items()}):
        results = _train(task, slaves, [rows[slave] for slave in slaves])
        for slave, trained in zip(slaves, results, strict=True):
            samples = len(rows[slave].train_y)
            work.add(slave, Update(samples, [array * samples for array in trained]))
    return work


def _train(task: Task, slaves: Sequence[str], rows: Sequence[Partition]) -> list[Arrays]:
    model, settings = task.run.model, task.settings
    parameters = list(task.payload.values())
    Xs, ys = [part.train_X for part in rows], [part.train_y for part in rows]
    seed, number = task.run.config.seed, task.label.number
    rngs = [np.random.default_rng([seed, number, int(slave)]) for slave in slaves]
    if isinstance(model, StackedModel):
        return model.train_stack(parameters, Xs, ys, settings, rngs)
    return [
        model.train(parameters, X, y, settings, rng)
        for X, y, rng in zip(Xs, ys, rngs, strict=True)
    ]
