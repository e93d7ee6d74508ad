"""The frozen configuration of a run: all that decides its result, and how long it waits."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence

from fedredis.arguments import LONGEST, MANY, Argument, argument, check_ranges
from fedredis.data.reading import UNSAID, Reading
from fedredis.errors import FedredisError, UsageError
from fedredis.features.protocol import Column
from fedredis.models.protocol import TrainingSettings
from fedredis.schedules import SCHEDULES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

#: What names of runs, slaves and data sets may look like.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

#: The class weight by which each class counts for as much as any other.
BALANCED = "balanced"

#: What belongs to a round beside its updates: a slave of that name could be taken for it.
RESERVED = ("attempts", "bundle", "bundles", "claims", "ids", "in", "staged", "task", "update")


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


class Digest(ISeedSequence):
    """A seed that is a digest (4,); NumPy's own take several times as long to be mixed."""

    def __init__(self, words: NDArray[np.uint64]) -> None:
        self._words = words

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[Any]:
        """Return the digest, which is as long as a PCG64 asks for."""
        return self._words


@dataclass(frozen=True)
class RunConfig:
    """What a run is asked to do, as Redis keeps it. Times are in milliseconds."""

    dataset: str
    columns: tuple[Column, ...]
    #: Names of the classes; none at all where labels are numbers.
    classes: tuple[str, ...]
    slaves: int
    #: How many rows all slaves have together, to train on and held out: sums have room for them.
    rows: int
    #: The slaves' names, sorted; without names they are called 0, 1, … by number.
    names: tuple[str, ...] = ()
    #: What each of them held when the run began, as a digest.
    contents: tuple[str, ...] = ()
    #: How many rows each slave had when the run began, in the order of their places; none where
    #: that is not known. None may hand in sums of more.
    each: tuple[int, ...] = ()
    #: What the rows are read as: the label, weights, what is done about missing cells.
    reading: Reading = UNSAID
    #: Where the rows came from, as the user named it: a path, or "synthetic".
    source: str = "synthetic"
    #: What is asked, if nothing is trained: the kind of an analysis, and its own fields.
    analysis: Mapping[str, Any] = field(default_factory=dict)
    #: How many updates make a round valid once its deadline has passed; 0 for all.
    quorum: int = 0
    rounds: int = argument("Rounds of training; 200 of trees.", 20, least=1, most=MANY)
    seed: int = argument("Seed of everything random: same seed, same result.", 0, least=0)
    strategy: str = argument(
        "How slaves' work becomes one model; `fedredis strategies` lists them. fedavg, or newton "
        "where labels are numbers.",
        "fedavg",
        metavar="NAME",
        shows=False,
    )
    options: Mapping[str, str] = field(
        default_factory=dict,
        metadata={
            "argument": Argument("An option of the strategy; may be repeated.", "OPTION=VALUE")
        },
    )
    model: str = argument(
        "What is trained: a model's name, or package.module:Class. logistic, or linear where "
        "labels are numbers.",
        "logistic",
        metavar="NAME",
        shows=False,
    )
    sample: int = argument(
        "How many slaves, drawn anew each round, train; 0 for all.", 0, least=0, metavar="COUNT"
    )
    patience: int = argument(
        "End after so many rounds without a better test, and keep the best one; 0 for never.",
        0,
        least=0,
        metavar="ROUNDS",
    )
    features: str = argument(
        "plain: standardised columns; quadratic: normal scores and their products; bins: what "
        "trees are grown on.",
        "quadratic",
        metavar="NAME",
    )
    class_weight: str = argument(
        "balanced: rows of rare classes weigh more in training, so that all classes weigh the "
        "same.",
        "none",
        choices=("none", BALANCED),
    )
    local_epochs: int = argument(
        "Passes that a slave makes over its rows in a round.", 1, least=1, most=MANY
    )
    batch_size: int = argument("Rows of one step of SGD.", 64, least=1, most=MANY)
    learning_rate: float = argument(
        "Of the first round; see `schedule`.", 0.7, least=0, above=True
    )
    schedule: str = argument(
        "How the learning rate falls from round to round.", "linear", choices=tuple(SCHEDULES)
    )
    l2: float = argument("Weight of the L2 penalty.", 1e-4, least=0)
    round_timeout_ms: int = argument(
        "A round's deadline.",
        600_000,
        least=100,
        most=LONGEST * 1000,
        scale=1000,
        metavar="SECONDS",
    )
    lease_ms: int = argument(
        "How long the work of a worker or master that died stays reserved for it.",
        5_000,
        least=100,
        most=LONGEST * 1000,
        scale=1000,
        metavar="SECONDS",
    )
    attempts: int = argument("How often a slave may fail in a round.", 3, least=1, most=MANY)
    max_norm: float = argument(
        "Refuse an update whose parameters are further from the global ones than this, as a "
        "Euclidean norm.",
        1e6,
        least=0,
        above=True,
    )
    threshold: float = argument(
        "Mask sums; this share of the slaves, more than half, must help to unmask one. 0 for no "
        "masks.",
        0.0,
        least=0,
        most=1,
        metavar="SHARE",
    )

    def __post_init__(self) -> None:
        check_ranges(self)
        fits = self.threshold == 0 or self.threshold > 0.5
        self._require("threshold", fits, "above 0.5, or 0 for no masks")
        for name in ("slaves", "rows"):
            self._require(name, getattr(self, name) >= 1, "at least 1")
        self._require("sample", self.sample <= self.slaves, f"at most the {self.slaves} slaves")
        most = self.sample or self.slaves
        fits = 0 <= self.quorum <= most
        self._require("quorum", fits, f"between 1 and the {most} slaves of a round")
        self._require("each", len(self.each) in (0, self.slaves), "as many as there are slaves")
        self._check_names()

    def _require(self, field: str, ok: bool, what: str) -> None:
        if not ok:
            raise UsageError(f"must be {what}, not {getattr(self, field)!r}", field=field)

    def _check_names(self) -> None:
        if not self.names:
            return
        for name in self.names:
            if check_name(name, "slave") in RESERVED:
                raise UsageError(f"slave {name!r}: the name belongs to fedredis, choose another")
        if list(self.names) != sorted(set(self.names)) or len(self.names) != self.slaves:
            raise UsageError(f"{self.slaves} slaves need as many names, sorted, each once")

    @property
    def secure(self) -> bool:
        """Whether sums are masked."""
        return self.threshold > 0

    @cached_property
    def slave_ids(self) -> tuple[str, ...]:
        """The slaves' ids, in the order of their places."""
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

    def local_rngs(self, number: int, slaves: Sequence[str]) -> list[np.random.Generator]:
        """Make the generators of slaves in round `number`: each from (seed, round, slave)."""
        about, shake = f"{self.seed} {number} ", hashlib.shake_256
        # Where slaves are small, this is most of the time that their training takes.
        digests = b"".join([shake(f"{about}{slave}".encode()).digest(32) for slave in slaves])
        words = np.frombuffer(digests, "<u8").reshape(-1, 4)
        return [
            np.random.Generator(np.random.PCG64(Digest(each)))  # type: ignore[arg-type]
            for each in words
        ]

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

    @cached_property
    def digest(self) -> bytes:
        """What is asked, as a digest (32,): but for the quorum, which a resumed run may change."""
        return hashlib.sha256(replace(self, quorum=0).to_json().encode()).digest()

    def to_json(self) -> str:
        """As a JSON object, a field a name."""
        return json.dumps({**asdict(self), "reading": self.reading.as_dict})

    @classmethod
    def from_json(cls, text: str | bytes) -> RunConfig:
        """Read what `to_json` wrote; fields of later versions are ignored.

        Raises
        ------
        FedredisError
            If it is damaged.
        """
        try:
            stored = json.loads(text)
            values = {f.name: stored[f.name] for f in fields(cls) if f.name in stored}
            for f in fields(cls):
                kinds: Any = {"str": str, "int": int, "float": (int, float)}.get(
                    str(f.type), object
                )
                value = values.get(f.name, f.default)
                if not isinstance(value, kinds) or (value is True and kinds is not object):
                    raise TypeError(f"{f.name} is {value!r}"[:100])
            values["reading"] = Reading(**values.get("reading", {})).agreed
            values["columns"] = tuple(Column(**column) for column in values["columns"])
            for name in ("classes", "names", "contents", "each"):
                values[name] = tuple(values.get(name, ()))
            if not all(type(rows) is int for rows in values["each"]):
                raise TypeError("numbers of rows are none")
            options = dict(values.get("options", {})).values()
            if not all(isinstance(one, str) for one in (*values["classes"], *options)):
                raise TypeError("classes or options are not text")
            return cls(**values)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise FedredisError(f"its configuration can't be read: {error}") from error
        except (RecursionError, UsageError) as error:
            raise FedredisError(f"its configuration can't be used: {error}") from error


def entropy_of(slave: str) -> int:
    """Turn an id into a number to draw from: a number into itself, a name into its digest."""
    if slave.isdecimal():
        return int(slave)
    return int.from_bytes(hashlib.sha256(slave.encode()).digest()[:8])
