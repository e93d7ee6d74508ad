"""One slave's part in one round: what it is given, and what it contributes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedredis.models.protocol import TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedredis.codec import Arrays, Schema
    from fedredis.data.partition import Partition
    from fedredis.features.protocol import Known
    from fedredis.jobs.inputs import Inputs
    from fedredis.jobs.view import RunView
    from fedredis.keys import Label


@dataclass(frozen=True)
class Task:
    """What a slave is given."""

    label: Label
    slave: str
    run: RunView
    #: The round's hash.
    fields: Mapping[str, str]
    inputs: Inputs

    @property
    def payload(self) -> Known:
        """The arrays that the round works on: the global model, or what is known so far."""
        return self.run.artifact(self.fields["payload"])

    @property
    def rows(self) -> Partition:
        """The slave's rows as model inputs."""
        name = self.fields["preprocessing"]
        known = self.run.artifact(name)
        scope = (self.run.run_id, name)
        return self.inputs.mapped(self.slave, scope, self.run.features, known)

    @property
    def settings(self) -> TrainingSettings:
        """How to train in this round."""
        return TrainingSettings(**json.loads(self.fields["settings"]))


@dataclass(frozen=True)
class Contribution:
    """What a slave contributes: sums over its rows, and facts about itself for its hash."""

    schema: Schema
    arrays: Arrays
    #: Rows that the arrays stand for.
    samples: int
    facts: dict[str, str]
