"""The name of every key in Redis, and nothing else. Lua gets all of them through KEYS."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What the slaves do in a round."""

    STATISTICS = "statistics"
    TRAIN = "train"
    EVALUATE = "evaluate"


@dataclass(frozen=True, order=True)
class Label:
    """A round's name within its run, written ``train:5``."""

    kind: Kind
    number: int

    @classmethod
    def parse(cls, text: str) -> Label:
        """Read ``kind:number``."""
        kind, number = text.split(":")
        return cls(Kind(kind), int(number))

    def __str__(self) -> str:
        return f"{self.kind}:{self.number}"


def job_kind(label: Label, rounds: int) -> Kind:
    """Tell which jobs serve a round.

    A training job stays through training and tests earlier models on the way; the last model
    is tested by evaluation jobs.
    """
    if label.kind is Kind.EVALUATE and label.number < rounds:
        return Kind.TRAIN
    return label.kind


#: zset, run ids by start time (ms)
RUNS = "fedredis:runs"
#: zset, worker names by the time (ms) until which they count as present
WORKERS = "fedredis:workers"
#: stream, capped: workers that came, for masters that wait for them
JOINED = "fedredis:joined"


def worker(name: str) -> str:
    """Hash with TTL: what a worker says of itself."""
    return f"fedredis:worker:{name}"


@dataclass(frozen=True)
class RoundKeys:
    """The keys of one round."""

    #: hash: kind, state, quorum, deadline, counters
    round: str

    @property
    def task(self) -> str:
        """Hash: what slaves are given to do; written by the master alone."""
        return f"{self.round}:task"

    @property
    def ids(self) -> str:
        """Zset, the ID list: slaves still to be claimed, by place."""
        return f"{self.round}:ids"

    @property
    def claims(self) -> str:
        """Hash: slave id to worker and lease end (ms)."""
        return f"{self.round}:claims"

    @property
    def arrived(self) -> str:
        """Counter: how many updates are in."""
        return f"{self.round}:arrived"

    def update(self, slave: str) -> str:
        """One slave's update: a string, or a list of parts if it is large."""
        return f"{self.round}:update:{slave}"

    def staged(self, worker: str) -> str:
        """List with TTL: parts of the large update that a worker is about to submit."""
        return f"{self.round}:staged:{worker}"


@dataclass(frozen=True)
class RunKeys:
    """The keys of one run; they share the hash tag ``{run}``."""

    run_id: str

    @property
    def run(self) -> str:
        """Hash: status, config, progress, epoch, times, error."""
        return f"fedredis:{{{self.run_id}}}"

    @property
    def lease(self) -> str:
        """String with TTL: the token of the master in charge."""
        return f"{self.run}:lease"

    @property
    def events(self) -> str:
        """Stream, capped: what happened, in order."""
        return f"{self.run}:events"

    @property
    def work(self) -> str:
        """Stream, capped: rounds that have something to claim."""
        return f"{self.run}:work"

    @property
    def open(self) -> str:
        """Zset: labels of the open rounds by time of opening (ms)."""
        return f"{self.run}:open"

    @property
    def history(self) -> str:
        """Hash: round label to what the round came to (JSON)."""
        return f"{self.run}:history"

    def attached(self, kind: Kind) -> str:
        """Zset: workers whose job of this kind stays with the run, by lease end (ms)."""
        return f"{self.run}:attached:{kind}"

    def artifact(self, name: str) -> str:
        """Hash: ``model:<n>``, ``preprocessing:<n>`` or ``strategy:<n>``, arrays with schema."""
        return f"{self.run}:{name}"

    def parts(self, name: str) -> str:
        """List: the parts of a large artifact, whose hash then has no blob."""
        return f"{self.run}:{name}:parts"

    def staged(self, token: str, name: str) -> str:
        """List with TTL: parts of a large artifact that a master is about to commit."""
        return f"{self.run}:staged:{token}:{name}"

    def last(self, slave: str) -> str:
        """As the update was: a slave's last counted one, where the strategy gives it back."""
        return f"{self.run}:last:{slave}"

    def slave(self, slave: str) -> str:
        """Hash: what is known of a slave."""
        return f"{self.run}:slave:{slave}"

    def round(self, label: Label) -> RoundKeys:
        """Name the keys of a round."""
        return RoundKeys(f"{self.run}:round:{label}")
