"""Some slaves' part in one round: what they are given, and what each contributes."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fedredis.codec import Schema
from fedredis.models.protocol import TrainingSettings
from fedredis.store.slave import Packed
from fedredis.update import pack, pack_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from fedredis.data.partition import Partition
    from fedredis.features.protocol import Known
    from fedredis.jobs.inputs import Inputs
    from fedredis.jobs.view import RunView
    from fedredis.keys import Label
    from fedredis.models.protocol import Model
    from fedredis.update import Update

#: Numbers in a stack of matrices at most: more would not fit a core's cache.
STACK_SIZE = 1 << 20


@dataclass(frozen=True)
class Task:
    """What slaves are given: a round, and the work that its hash describes."""

    label: Label
    slaves: Sequence[str]
    run: RunView
    #: The hash of the round's task.
    fields: Mapping[str, str]
    inputs: Inputs

    @property
    def payload(self) -> Known:
        """The arrays that the round works on: the global model, or what is known so far."""
        return self.run.artifact(self.fields["payload"])

    @property
    def model(self) -> Model:
        """The model that the slaves train or test."""
        return self.run.model(self.run.artifact(self.fields["preprocessing"]))

    def rows(self) -> dict[str, Partition]:
        """Return the slaves' rows as model inputs."""
        name = self.fields["preprocessing"]
        scope, known = (self.run.run_id, name), self.run.artifact(name)
        mapped, config = self.inputs.mapped, self.run.config
        return {s: mapped(s, config, scope, self.run.features, known) for s in self.slaves}

    @property
    def settings(self) -> TrainingSettings:
        """How to train in this round."""
        return TrainingSettings(**json.loads(self.fields["settings"]))


@dataclass(frozen=True)
class Contributions:
    """What slaves contribute to a round: packed updates, and facts that each tells of itself."""

    schema: Schema
    #: Names of the facts.
    facts: tuple[str, ...]
    updates: list[Packed]

    @classmethod
    def none(cls) -> Contributions:
        """Contribute nothing."""
        return cls(Schema(()), (), [])

    def add(self, slave: str, update: Update, *facts: str) -> None:
        """Add one slave's update, and the values of its facts.

        Raises
        ------
        BlobError
            If the update's arrays are not as the schema says.
        """
        packing = pack_parts if self.schema.large else pack
        self.updates.append(Packed(slave, packing(self.schema, update), facts))


def stacks(inputs: Mapping[str, NDArray[Any]]) -> Iterable[list[str]]:
    """Group slaves whose inputs have the same shape, as many as fit a stack."""
    alike: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for slave, X in inputs.items():
        alike[X.shape].append(slave)
    for slaves in alike.values():
        most = max(1, STACK_SIZE // max(1, inputs[slaves[0]].size))
        for first in range(0, len(slaves), most):
            yield slaves[first : first + most]
