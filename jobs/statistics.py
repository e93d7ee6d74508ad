"""Slaves' part in a statistics round."""

from __future__ import annotations

from fedredis.jobs.task import Contributions, Task
from fedredis.update import Update


def contribute(task: Task) -> Contributions:
    """Add up one pass over the rows that each slave trains on; held-out rows take no part."""
    name, features = task.fields["pass"], task.run.features
    known, work = task.payload, Contributions(features.schema(name), ("rows",), [])
    for slave in task.slaves:
        X = task.inputs.conformed(slave, task.run.config).train_X
        work.add(slave, Update(len(X), features.sums(name, known, X)), str(len(X)))
    return work
