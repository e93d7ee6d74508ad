"""Slaves' part in the test of a global model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.jobs.task import Contributions, Task, stacks
from fedredis.models.protocol import StackedModel
from fedredis.update import Update

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedredis.codec import Arrays
    from fedredis.data.partition import Partition
    from fedredis.models.protocol import Model


def contribute(task: Task) -> Contributions:
    """Test the global model on each slave's held-out rows."""
    rows, model, measure = task.rows(), task.model, task.run.measure
    facts = ("test_rows", measure.primary, measure.loss)
    work = Contributions(measure.schema(), facts, [])
    for slaves in stacks({slave: part.test_X for slave, part in rows.items()}):
        results = _evaluate(task, model, [rows[slave] for slave in slaves])
        for slave, sums in zip(slaves, results, strict=True):
            count = len(rows[slave].test_y)
            score, loss = measure.score(sums, count), measure.mean_loss(sums, count)
            work.add(slave, Update(count, sums), str(count), repr(score), repr(loss))
    return work


def _evaluate(task: Task, model: Model, rows: Sequence[Partition]) -> list[Arrays]:
    parameters, measure = list(task.payload.values()), task.run.measure
    Xs, ys = [part.test_X for part in rows], [part.test_y for part in rows]
    if isinstance(model, StackedModel):
        return model.evaluate_stack(parameters, Xs, ys)
    return [measure.sums(model.predict(parameters, X), y) for X, y in zip(Xs, ys, strict=True)]
