"""Slaves' part in a statistics round."""

from __future__ import annotations

from fedredis.jobs.task import Contribution, Task
from fedredis.update import Update


def contribute(task: Task) -> list[Contribution]:
    """Add up one pass over the rows that each slave trains on; held-out rows take no part."""
    name, features = task.fields["pass"], task.run.features
    contributions = []
    for slave in task.slaves:
        X = task.inputs.raw(slave).train_X
        update = Update(len(X), features.sums(name, task.payload, X))
        facts = {"rows": str(len(X))}
        contributions.append(Contribution(slave, features.schema(name), update, facts))
    return contributions
