"""Slaves' part in the test of a global model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis import metrics
from fedredis.jobs.task import Contributions, Task, stacks
from fedredis.models.protocol import StackedModel
from fedredis.update import Update

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedredis.codec import Arrays
    from fedredis.data.partition import Partition


def contribute(task: Task) -> Contributions:
    """Test the global model on each slave's held-out rows."""
    rows = task.rows()
    facts = ("test_rows", "accuracy", "log_loss")
    work = Contributions(metrics.schema(len(task.run.config.classes)), facts, [])
    for slaves in stacks({slave: part.test_X for slave, part in rows.items()}):
        results = _evaluate(task, [rows[slave] for slave in slaves])
        for slave, sums in zip(slaves, results, strict=True):
            count = len(rows[slave].test_y)
            accuracy = int(sums[0].trace()) / max(count, 1)
            log_loss = float(sums[1][0]) / max(count, 1)
            work.add(slave, Update(count, sums), str(count), repr(accuracy), repr(log_loss))
    return work


def _evaluate(task: Task, rows: Sequence[Partition]) -> list[Arrays]:
    model, parameters = task.run.model, list(task.payload.values())
    Xs, ys = [part.test_X for part in rows], [part.test_y for part in rows]
    if isinstance(model, StackedModel):
        return model.evaluate_stack(parameters, Xs, ys)
    return [model.evaluate(parameters, X, y) for X, y in zip(Xs, ys, strict=True)]
