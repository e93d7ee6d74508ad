"""The frozen configuration of a run: all that decides its result, and how long it waits."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields

from fedredis.errors import UsageError
from fedredis.features.protocol import Column
from fedredis.models.protocol import TrainingSettings

#: What names of runs, slaves and data sets may look like.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

#: Names of things to choose from, known here so that a config can be checked without them.
FEATURE_MAPS = ("plain", "quadratic")


def check_name(name: str, what: str) -> str:
    """Return the name if it is well formed.

    Raises
    ------
    UsageError
        If it is not: letters, digits, dots, dashes and underscores, at most 64 of them.
    """
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{what} {name!r} is not a name: use letters, digits, '.', '_' and '-', at most 64"
        )
    return name


@dataclass(frozen=True)
class RunConfig:
    """What a run is asked to do. Times are in milliseconds."""

    dataset: str
    columns: tuple[Column, ...]
    classes: tuple[str, ...]
    slaves: int
    rounds: int = 20
    seed: int = 0
    features: str = "quadratic"
    model: str = "logistic"
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
        if not 0 <= self.quorum <= self.slaves:
            raise UsageError(
                f"--quorum must lie between 1 and the {self.slaves} slaves, not {self.quorum}"
            )
        for name in ("round_timeout_ms", "lease_ms"):
            if getattr(self, name) < 100:
                raise UsageError(f"{_option(name.removesuffix('_ms'))} must be at least 0.1 s")

    @property
    def slave_ids(self) -> tuple[str, ...]:
        """The slaves' ids, in the order in which their updates are summed."""
        return tuple(str(slave) for slave in range(self.slaves))

    @property
    def required(self) -> int:
        """How many updates a round needs: the quorum, or else all."""
        return self.quorum or self.slaves

    def training(self, number: int) -> TrainingSettings:
        """Set how slaves train in round `number`, counted from 1."""
        return TrainingSettings(
            local_epochs=self.local_epochs,
            batch_size=self.batch_size,
            learning_rate=learning_rate(self.learning_rate, number, self.rounds),
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
        values["classes"] = tuple(values["classes"])
        return cls(**values)


def learning_rate(initial: float, number: int, rounds: int) -> float:
    """Return the rate of round `number` (from 1) of `rounds`: linear decay from `initial`."""
    return initial * (1 - (number - 1) / rounds)


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
