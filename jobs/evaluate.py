"""Slaves' part in the test of a global model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis import metrics
from fedredis.jobs.task import Contribution, Task, stacks
from fedredis.models.protocol import StackedModel
from fedredis.update import Update

if TYPE_CHECKING:
    from fedredis.codec import Arrays


def contribute(task: Task) -> list[Contribution]:
    """Test the global model on each slave's held-out rows."""
    held_out = {slave: task.rows(slave).test_X for slave in task.slaves}
    schema, contributions = metrics.schema(len(task.run.config.classes)), []
    for slaves in stacks(held_out):
        for slave, sums in zip(slaves, _evaluate(task, slaves), strict=True):
            rows = len(held_out[slave])
            contributions.append(Contribution(slave, schema, Update(rows, sums), _facts(sums)))
    return contributions


def _evaluate(task: Task, slaves: list[str]) -> list[Arrays]:
    model, parameters = task.run.model, list(task.payload.values())
    Xs = [task.rows(slave).test_X for slave in slaves]
    ys = [task.rows(slave).test_y for slave in slaves]
    if isinstance(model, StackedModel):
        return model.evaluate_stack(parameters, Xs, ys)
    return [model.evaluate(parameters, X, y) for X, y in zip(Xs, ys, strict=True)]


def _facts(sums: Arrays) -> dict[str, str]:
    confusion, log_loss = sums
    rows, hits = int(confusion.sum()), int(confusion.trace())
    return {
        "test_rows": str(rows),
        "accuracy": repr(hits / max(rows, 1)),
        "log_loss": repr(float(log_loss[0]) / max(rows, 1)),
    }
