"""What a master hands to its store, and what it gets back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedredis.arrays import Named
    from fedredis.keys import RoundName
    from fedredis.store.results import RoundState


@dataclass(frozen=True)
class Committal:
    """A round's outcome, to be made the run's state."""

    name: RoundName
    #: How many slaves have been counted, who must be those that are in.
    counted: int
    #: What goes into the history, by round: of itself, and of those that were made with it.
    entries: Mapping[RoundName, Mapping[str, Any]]
    #: Fields of the run's hash.
    progress: Mapping[str, str]
    #: What is written, and the names of what is dropped.
    artifacts: Mapping[str, Named] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    #: What its slaves told of themselves (JSON), if anything.
    slaves: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Opening:
    """A round to open."""

    name: RoundName
    #: The kind of the jobs that serve it.
    job: str
    #: Who is asked; None for everyone.
    slaves: tuple[str, ...] | None
    expected: int
    quorum: int
    timeout_ms: int
    #: How often a slave may fail before it is given up.
    attempts: int
    #: Role to the name of the artifact that plays it; the store tells slaves their versions too.
    reads: Mapping[str, str]
    #: What else slaves are told.
    task: Mapping[str, str] = field(default_factory=dict)
    #: How many workers come to it at least, those that are there among them.
    workers: int = 0


@dataclass(frozen=True)
class Opened:
    """How a round was opened."""

    #: A master before had opened it, and it may be well on its way.
    adopted: bool
    #: The workers that stay with the run, for the jobs that serve the round.
    attached: tuple[str, ...]


@dataclass(frozen=True)
class Tending:
    """How a round stands."""

    state: RoundState
    #: How many slaves are in, and how many bundles.
    arrived: int
    bundles: int
    #: The workers that stay with the run.
    attached: tuple[str, ...]
    #: How many slaves are neither in, nor claimed, nor listed, nor given up: a server may lose
    #: half of what it was to do.
    nowhere: int


@dataclass(frozen=True)
class Event:
    """An entry of a run's event stream."""

    type: str
    #: The round and the slave that it is about, if it is about one.
    round: str = ""
    slave: str = ""


@dataclass(frozen=True)
class Heard:
    """What has happened in a run, and how the rounds stand that were asked about."""

    events: list[Event]
    #: Of each round its state as its hash has it; "" if there is none.
    states: dict[RoundName, str]
    #: The rounds of which more bundles are in than were fetched.
    arrived: list[RoundName]
