"""A slave's part in a statistics round."""

from __future__ import annotations

from fedredis.jobs.task import Contribution, Task


def contribute(task: Task) -> Contribution:
    """Add up one pass over the rows that the slave trains on; held-out rows take no part."""
    name = task.fields["pass"]
    X = task.inputs.raw(task.slave).train_X
    sums = task.run.features.sums(name, task.payload, X)
    return Contribution(task.run.features.schema(name), sums, len(X), {"rows": str(len(X))})
