"""Slaves that attack the training: ``python -m benchmarks.attacks_worker DIRECTORY`` is a worker.

It is a worker as any other, but that the slaves named in `ATTACKERS` do not do as they are asked:

- ``signs``: with the step d that an honest slave would take, it takes -10 d;
- ``noise``: its step is drawn, each parameter's from a standard normal distribution;
- ``labels``: it trains honestly, on labels in reverse order: class c becomes classes - 1 - c.
"""

from __future__ import annotations

import json
import os
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from fedredis.jobs import attachment, process, train
from fedredis.jobs.task import Task
from fedredis.keys import Kind
from fedredis.update import Update, pack, unpack_one

if TYPE_CHECKING:
    from fedredis.codec import Arrays
    from fedredis.data.partition import Partition
    from fedredis.jobs.task import Contributions

#: Names a JSON object, slave to attack, in the environment of workers.
ATTACKERS = "BENCHMARK_ATTACKERS"
#: What an honest step is multiplied with.
SIGNS = -10.0


def attackers() -> dict[str, str]:
    """Return the attack of each slave that makes one."""
    attacks: dict[str, str] = json.loads(os.environ.get(ATTACKERS, "{}"))
    return attacks


class Deceived(Task):
    """A task on rows whose labels are in reverse order, where a slave flips them."""

    def rows(self) -> dict[str, Partition]:
        """Return the slaves' rows as model inputs."""
        last, rows = len(self.run.config.classes) - 1, super().rows()
        flipped = (slave for slave in rows if attackers().get(slave) == "labels")
        return rows | {s: replace(rows[s], train_y=last - rows[s].train_y) for s in flipped}


def contribute(task: Task) -> Contributions:
    """Do the honest slaves' part, and the others'."""
    deceived = Deceived(**{field.name: getattr(task, field.name) for field in fields(task)})
    work, sent = train.contribute(deceived), list(task.payload.values())
    updates = []
    for packed in work.updates:
        attack = attackers().get(packed.slave)
        if attack in ("signs", "noise"):
            assert isinstance(packed.packed, bytes)
            honest = unpack_one(work.schema, packed.packed)
            rng = np.random.default_rng(
                [task.run.config.seed, task.label.number, int(packed.slave), 1]
            )
            arrays = [array * honest.samples for array in moved(attack, honest, sent, rng)]
            packed = replace(packed, packed=pack(work.schema, Update(honest.samples, arrays)))
        updates.append(packed)
    return replace(work, updates=updates)


def moved(attack: str, honest: Update, sent: Arrays, rng: np.random.Generator) -> Arrays:
    """Return where an attacker says that it has come to from the parameters that were sent."""
    if attack == "noise":
        return [w + rng.normal(size=w.shape) for w in sent]
    return [
        w + SIGNS * (array / honest.samples - w)
        for array, w in zip(honest.arrays, sent, strict=True)
    ]


if __name__ == "__main__":
    attachment.CONTRIBUTE[Kind.TRAIN] = contribute
    process.main()
