"""Slaves' part in a round of training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.jobs.task import Contributions, Task, stacks
from fedredis.strategies import Global
from fedredis.strategies.local import LocalSlave, LocalWork
from fedredis.update import Update

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedredis.codec import Schema
    from fedredis.data.partition import Partition


def contribute(task: Task) -> Contributions:
    """Do what the strategy has slaves do with the global model on their own rows.

    Randomness is derived from (seed, round, slave): who computes it, when, beside whom, and how
    often makes no difference.
    """
    run, model, rows = task.run, task.model, task.rows()
    schema = run.strategy.schema(model)
    state = task.fields.get("state")
    sent = Global(list(task.payload.values()), run.artifact(state) if state else {})
    slaves = _slaves(task, schema, rows)
    work = Contributions(schema, (), [])
    for names in stacks({name: slave.X for name, slave in slaves.items()}):
        alike = [slaves[name] for name in names]
        results = run.strategy.local(LocalWork(model, sent, task.settings, run.measure, alike))
        for name, slave, arrays in zip(names, alike, results, strict=True):
            work.add(name, Update(slave.rows, arrays))
    return work


def _slaves(task: Task, schema: Schema, rows: Mapping[str, Partition]) -> dict[str, LocalSlave]:
    run, number, names = task.run, task.label.number, list(rows)
    last: list[Update | None] = [None] * len(names)
    if run.strategy.recalls:
        last = run.store.last_updates(schema, names)
    return {
        name: LocalSlave(part.train_X, part.train_y, run.config.local_rng(number, name), update)
        for (name, part), update in zip(rows.items(), last, strict=True)
    }
