"""The name of every key in Redis, and nothing else. Lua gets all of them through KEYS."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fedredis.errors import BlobError

#: How a round is called: ``kind:number``.
ROUND = re.compile(r"([a-z][a-z-]{0,31}):([1-9][0-9]{0,8})", re.ASCII)

#: How a bundle is called: by the slave that its worker acts for alone, or by its worker.
BUNDLE = re.compile(r"update:[^:\s]+|bundle:[^:\s]+:[^:\s]+", re.ASCII)

#: zset, run ids by start time (ms)
RUNS = "fedredis:runs"
#: zset, worker names by the time (ms) until which they count as present
WORKERS = "fedredis:workers"
#: stream, capped: workers that came, for masters that wait for them
JOINED = "fedredis:joined"


@dataclass(frozen=True, order=True)
class RoundName:
    """A round's name within its run, written ``train:5``."""

    #: What it is for; see `fedredis.exchanges.KINDS`.
    kind: str
    number: int

    @classmethod
    def parse(cls, text: str) -> RoundName:
        """Read ``kind:number``.

        Raises
        ------
        BlobError
            If it is not of that form.
        """
        found = ROUND.fullmatch(text)
        if not found:
            raise BlobError(f"{text[:80]!r} is not the name of a round")
        return cls(found[1], int(found[2]))

    def __str__(self) -> str:
        return f"{self.kind}:{self.number}"


def worker(name: str) -> str:
    """Hash with TTL: what a worker says of itself."""
    return f"fedredis:worker:{name}"


@dataclass(frozen=True)
class RoundKeys:
    """The keys of one round."""

    #: hash: state, epoch, expected, quorum, attempts, deadline, given up, last claims
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
        """Hash: slave to the worker that works for it, as long as that is attached."""
        return f"{self.round}:claims"

    @property
    def inside(self) -> str:
        """Hash: slave to the name of the bundle that it is in."""
        return f"{self.round}:in"

    @property
    def bundles(self) -> str:
        """List: names of the bundles that are in, in order of arrival."""
        return f"{self.round}:bundles"

    @property
    def attempts(self) -> str:
        """Hash: slave to how often it has failed in this round."""
        return f"{self.round}:attempts"

    def bundle(self, name: str) -> str:
        """List: the parts of a bundle, ``update:<slave>`` or ``bundle:<worker>:<n>``."""
        return f"{self.round}:{name}"

    def staged(self, worker: str) -> str:
        """List with TTL: the parts of a bundle that a worker is about to hand in."""
        return f"{self.round}:staged:{worker}"


@dataclass(frozen=True)
class RunKeys:
    """The keys of one run; they share the hash tag ``{run}``."""

    run_id: str

    @property
    def run(self) -> str:
        """Hash: status, config, progress, master, epoch, sequence, times, error."""
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
    def counts(self) -> str:
        """Hash: what its rounds came to in numbers, such as updates that came late."""
        return f"{self.run}:counts"

    @property
    def nodes(self) -> str:
        """Stream, capped: what the run's processes use, CPU and memory."""
        return f"{self.run}:nodes"

    @property
    def work(self) -> str:
        """Stream, capped: rounds that have something to claim."""
        return f"{self.run}:work"

    @property
    def open(self) -> str:
        """Zset: names of the open rounds by time of opening (ms)."""
        return f"{self.run}:open"

    @property
    def history(self) -> str:
        """Hash: round to what it came to (JSON)."""
        return f"{self.run}:history"

    @property
    def last(self) -> str:
        """String: what the newest commit makes of the run (JSON), as long as there is a master."""
        return f"{self.run}:last"

    @property
    def everyone(self) -> str:
        """Zset: all slaves by their place."""
        return f"{self.run}:everyone"

    @property
    def slaves(self) -> str:
        """Hash: kind of round to what its slaves told of themselves last (JSON)."""
        return f"{self.run}:slaves"

    @property
    def warnings(self) -> str:
        """List: what may mislead in the run's result."""
        return f"{self.run}:warnings"

    def attached(self, job: str) -> str:
        """Zset: workers whose job of this kind stays with the run, by lease end (ms)."""
        return f"{self.run}:attached:{job}"

    def artifact(self, name: str) -> str:
        """Hash: schema and version of ``model:<n>``, ``preprocessing:<n>``, ``strategy:<n>``."""
        return f"{self.run}:{name}"

    def parts(self, name: str) -> str:
        """List: the parts of an artifact's arrays."""
        return f"{self.run}:{name}:parts"

    def staged(self, token: str, name: str) -> str:
        """List with TTL: the parts of an artifact that a master is about to commit."""
        return f"{self.run}:staged:{token}:{name}"

    def memory(self, slave: str) -> str:
        """Hash: round number to what a slave is given back later, where the strategy asks it."""
        return f"{self.run}:memory:{slave}"

    def slave(self, slave: str) -> str:
        """Hash: how often a slave failed, and how the last time."""
        return f"{self.run}:slave:{slave}"

    def round(self, name: RoundName) -> RoundKeys:
        """Name the keys of a round."""
        return RoundKeys(f"{self.run}:round:{name}")
