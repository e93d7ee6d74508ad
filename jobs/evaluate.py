"""A slave's part in the test of a global model."""

from __future__ import annotations

from fedredis import metrics
from fedredis.jobs.task import Contribution, Task


def contribute(task: Task) -> Contribution:
    """Test the global model on the slave's held-out rows."""
    rows = task.rows
    sums = task.run.model.evaluate(list(task.payload.values()), rows.test_X, rows.test_y)
    result = metrics.from_sums(sums)
    return Contribution(
        metrics.schema(len(task.run.config.classes)),
        sums,
        result.rows,
        {
            "tested": str(task.label.number),
            "test_rows": str(result.rows),
            "accuracy": repr(result.accuracy),
            "log_loss": repr(result.log_loss),
        },
    )
