"""The frozen configuration of a run: all that decides its result, and how long it waits."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING

import numpy as np

from fedredis.errors import UsageError
from fedredis.features.protocol import Column
from fedredis.models.protocol import TrainingSettings
from fedredis.schedules import SCHEDULES

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What names of runs, slaves and data sets may look like.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

#: Names of things to choose from, known here so that a config can be checked without them.
FEATURE_MAPS = ("plain", "quadratic")

#: What belongs to a round beside its updates: a slave of that name could be taken for it.
RESERVED = ("arrived", "claims", "ids", "staged", "task", "update")


def check_name(name: str, what: str) -> str:
    """Return the name if it is well formed.

    Raises
    ------
    UsageError
        If it is not: letters, digits, dots, dashes and underscores, at most 64 of them.
    """
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        raise UsageError(
            f"{what} {name!r} is not a name: use letters, digits, '.', '_' and '-', at most 64"
        )
    return name


#: Milliseconds that anything may be waited for: 30 days, which all that counts them can hold.
LONGEST_MS = 30 * 24 * 3600 * 1000


@dataclass(frozen=True)
class RunConfig:
    """What a run is asked to do. Times are in milliseconds."""

    dataset: str
    columns: tuple[Column, ...]
    #: Names of the classes; none at all where labels are numbers.
    classes: tuple[str, ...]
    slaves: int
    rounds: int = 20
    seed: int = 0
    #: The slaves' names, sorted; without names they are called 0, 1, … by number.
    names: tuple[str, ...] = ()
    features: str = "quadratic"
    #: What is done about missing cells: ``error``, or ``mean`` to fill them.
    missing: str = "error"
    model: str = "logistic"
    strategy: str = "fedavg"
    #: The strategy's options, as text.
    options: Mapping[str, str] = field(default_factory=dict)
    #: How many slaves, drawn anew each round, train; 0 for all.
    sample: int = 0
    #: Rounds without a better test after which training ends; 0 for never.
    patience: int = 0
    #: How the learning rate falls from round to round.
    schedule: str = "linear"
    local_epochs: int = 1
    batch_size: int = 64
    learning_rate: float = 0.7
    l2: float = 1e-4
    #: Where the rows came from, as the user named it: a path, or "synthetic".
    source: str = "synthetic"
    #: The column that the classes came from.
    label: str = ""
    #: How many updates make a round valid once its deadline has passed.
    quorum: int = 0
    round_timeout_ms: int = 600_000
    #: How long a worker's claim on a slave, and the master's on the run, outlive their holder.
    lease_ms: int = 5_000
    #: How often a slave may fail in a round before it is given up.
    attempts: int = 3
    #: How far a slave's parameters may be from the global ones, as a Euclidean norm.
    max_norm: float = 1e6

    def __post_init__(self) -> None:
        at_least_one = ("slaves", "rounds", "local_epochs", "batch_size", "attempts")
        for name in at_least_one:
            if getattr(self, name) < 1:
                raise UsageError(f"{_option(name)} must be at least 1, not {getattr(self, name)}")
        if self.seed < 0:
            raise UsageError(f"--seed must be 0 or more, not {self.seed}")
        if not 0 < self.learning_rate < float("inf"):
            raise UsageError(f"--learning-rate must be above 0, not {self.learning_rate}")
        if not 0 < self.max_norm < float("inf"):
            raise UsageError(f"--max-norm must be above 0, not {self.max_norm}")
        if not 0 <= self.l2 < float("inf"):
            raise UsageError(f"--l2 must be 0 or more, not {self.l2}")
        if self.features not in FEATURE_MAPS:
            raise UsageError(
                f"--features must be one of {', '.join(FEATURE_MAPS)}, not {self.features!r}"
            )
        if self.schedule not in SCHEDULES:
            raise UsageError(
                f"--schedule must be one of {', '.join(SCHEDULES)}, not {self.schedule!r}"
            )
        if self.patience < 0:
            raise UsageError(f"--patience must be 0 or more, not {self.patience}")
        if not 0 <= self.sample <= self.slaves:
            raise UsageError(
                f"--sample must lie between 1 and the {self.slaves} slaves, not {self.sample}"
            )
        most = self.sample or self.slaves
        if not 0 <= self.quorum <= most:
            raise UsageError(
                f"--quorum must lie between 1 and the {most} slaves of a round, not {self.quorum}"
            )
        self._check_names()
        for name in ("round_timeout_ms", "lease_ms"):
            if not 100 <= getattr(self, name) <= LONGEST_MS:
                raise UsageError(
                    f"{_option(name.removesuffix('_ms'))} must be between 0.1 s and 30 days"
                )

    def _check_names(self) -> None:
        if not self.names:
            return
        for name in self.names:
            if check_name(name, "slave") in RESERVED:
                raise UsageError(f"slave {name!r}: the name belongs to fedredis, choose another")
        if list(self.names) != sorted(set(self.names)) or len(self.names) != self.slaves:
            raise UsageError(f"{self.slaves} slaves need as many names, sorted, each once")

    @property
    def slave_ids(self) -> tuple[str, ...]:
        """The slaves' ids, in the order in which their updates are summed."""
        return self.names or tuple(str(slave) for slave in range(self.slaves))

    def trainers(self, number: int) -> tuple[str, ...]:
        """Return the slaves that train in round `number`, in order: all, or a sample of them."""
        ids = self.slave_ids
        if not self.sample:
            return ids
        # Slaves draw from (seed, round, slave), the first model from (seed, 0).
        rng = np.random.default_rng([self.seed, 0, number])
        drawn = rng.choice(len(ids), self.sample, replace=False)
        return tuple(ids[place] for place in sorted(drawn))

    def local_rng(self, number: int, slave: str) -> np.random.Generator:
        """Make the generator of a slave in round `number`: from (seed, round, slave)."""
        return np.random.default_rng([self.seed, number, entropy_of(slave)])

    def required(self, asked: int) -> int:
        """Tell how many updates a round needs that asks so many slaves: the quorum, or all."""
        return self.quorum or asked

    def training(self, number: int) -> TrainingSettings:
        """Set how slaves train in round `number`, counted from 1."""
        return TrainingSettings(
            local_epochs=self.local_epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate * SCHEDULES[self.schedule](number, self.rounds),
            l2=self.l2,
        )

    def to_json(self) -> str:
        """As a JSON object, a field a name."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> RunConfig:
        """Read what `to_json` wrote; fields of later versions are ignored."""
        values = json.loads(text)
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in values.items() if name in known}
        values["columns"] = tuple(Column(**column) for column in values["columns"])
        for name in ("classes", "names"):
            values[name] = tuple(values.get(name, ()))
        return cls(**values)


def entropy_of(slave: str) -> int:
    """Turn an id into a number to draw from: a number into itself, a name into its digest."""
    if slave.isdecimal():
        return int(slave)
    return int.from_bytes(hashlib.sha256(slave.encode()).digest()[:8])


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
