"""Slaves' part in a round of training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fedredis.jobs.task import Contribution, Task, stacks
from fedredis.models.protocol import StackedModel
from fedredis.update import Update

if TYPE_CHECKING:
    from fedredis.codec import Arrays


def contribute(task: Task) -> list[Contribution]:
    """Train the global model on each slave's own rows; hand back parameters times rows.

    Randomness is derived from (seed, round, slave): who computes it, when, beside whom, and how
    often makes no difference.
    """
    rows = {slave: task.rows(slave) for slave in task.slaves}
    schema, contributions = task.run.model.schema(), []
    for slaves in stacks({slave: part.train_X for slave, part in rows.items()}):
        for slave, trained in zip(slaves, _train(task, slaves), strict=True):
            samples = len(rows[slave].train_y)
            update = Update(samples, [array * samples for array in trained])
            contributions.append(Contribution(slave, schema, update, {}))
    return contributions


def _train(task: Task, slaves: list[str]) -> list[Arrays]:
    model, settings = task.run.model, task.settings
    parameters = list(task.payload.values())
    Xs = [task.rows(slave).train_X for slave in slaves]
    ys = [task.rows(slave).train_y for slave in slaves]
    seed, number = task.run.config.seed, task.label.number
    rngs = [np.random.default_rng([seed, number, int(slave)]) for slave in slaves]
    if isinstance(model, StackedModel):
        return model.train_stack(parameters, Xs, ys, settings, rngs)
    return [
        model.train(parameters, X, y, settings, rng)
        for X, y, rng in zip(Xs, ys, rngs, strict=True)
    ]
