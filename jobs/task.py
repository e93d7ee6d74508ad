"""Some slaves' part in one round: what they are given, and what each contributes."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fedredis.models.protocol import TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from fedredis.codec import Schema
    from fedredis.data.partition import Partition
    from fedredis.features.protocol import Known
    from fedredis.jobs.inputs import Inputs
    from fedredis.jobs.view import RunView
    from fedredis.keys import Label
    from fedredis.update import Update

#: Numbers in a stack of matrices at most: more would not fit a core's cache.
STACK_SIZE = 1 << 20


@dataclass(frozen=True)
class Task:
    """What slaves are given: a round, and the work that its hash describes."""

    label: Label
    slaves: Sequence[str]
    run: RunView
    #: The round's hash.
    fields: Mapping[str, str]
    inputs: Inputs

    @property
    def payload(self) -> Known:
        """The arrays that the round works on: the global model, or what is known so far."""
        return self.run.artifact(self.fields["payload"])

    def rows(self, slave: str) -> Partition:
        """Return a slave's rows as model inputs."""
        name = self.fields["preprocessing"]
        scope, known = (self.run.run_id, name), self.run.artifact(name)
        return self.inputs.mapped(slave, scope, self.run.features, known)

    @property
    def settings(self) -> TrainingSettings:
        """How to train in this round."""
        return TrainingSettings(**json.loads(self.fields["settings"]))


@dataclass(frozen=True)
class Contribution:
    """What a slave contributes: sums over its rows, and facts about itself for its hash."""

    slave: str
    schema: Schema
    update: Update
    facts: Mapping[str, str]


def stacks(inputs: Mapping[str, NDArray[Any]]) -> Iterable[list[str]]:
    """Group slaves whose inputs have the same shape, as many as fit a stack."""
    alike: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for slave, X in inputs.items():
        alike[X.shape].append(slave)
    for slaves in alike.values():
        most = max(1, STACK_SIZE // max(1, inputs[slaves[0]].size))
        for first in range(0, len(slaves), most):
            yield slaves[first : first + most]
