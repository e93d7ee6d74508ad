"""Whom a worker asks for in each round, and how many at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.store.slave import Ask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedredis.keys import RoundName
    from fedredis.store.slave import Claim

#: Seconds of work that are worth a visit, and that a claim takes at most where it can tell.
SHORTEST_WORK, LONGEST_WORK = 0.02, 0.1
#: How many slaves a claim takes at most.
MOST_SLAVES = 256


class Claims:
    """A worker's claims in the rounds of a run, for one kind of job.

    `held` are the slaves that it can act for, None for any; `served` those that it has worked for,
    the latest last.
    """

    def __init__(self, job: str, held: Sequence[str] | None, served: dict[str, None]) -> None:
        self._job, self._held, self._served = job, held, served
        #: Whom to ask for in each round: whose rows are in memory, the latest first.
        self._wishes: dict[RoundName, list[str]] = {}
        #: Seconds that a slave takes, by kind of round, as last seen.
        self._seconds: dict[str, float] = {}

    def ask(self, name: RoundName, *, with_task: bool) -> Ask:
        """Make what is asked for in a round, and whether for its task."""
        held, (least, most) = self._held, self.worth_a_visit(name.kind)
        if name not in self._wishes:
            self._wishes[name] = list(reversed(self._served)) if held is None else list(held)
        wishes = self._wishes[name]
        return Ask(
            name=name,
            job=self._job,
            wishes=wishes[:most] if held is None else wishes,
            take_any=held is None,
            least=least,
            most=most,
            with_task=with_task,
        )

    def granted(self, ask: Ask, claim: Claim) -> None:
        """Note whom a worker that can act for any slave need not wish for again."""
        for slave in claim.slaves:
            self._served.pop(slave, None)
            self._served[slave] = None
        if not ask.take_any:
            return
        wished = {slave: place for place, slave in enumerate(ask.wishes)}
        # Those before the last one that was given are with others, and all of them if some were
        # given that nobody wished for.
        given = [wished.get(slave, len(wished) - 1) for slave in claim.slaves]
        del self._wishes[ask.name][: max(given) + 1]

    def emptied(self, name: RoundName) -> None:
        """Note that a round has nobody left to claim."""
        self._wishes.pop(name, None)

    def took(self, kind: str, seconds: float) -> None:
        """Note how long a slave took in a round of a kind."""
        self._seconds[kind] = seconds

    def worth_a_visit(self, kind: str) -> tuple[int, int]:
        """Tell how many slaves to claim at least and at most, from how long one takes."""
        seconds = self._seconds.get(kind)
        if seconds is None:
            return 1, 1
        seconds = max(seconds, 1e-6)
        least, most = (int(work / seconds) for work in (SHORTEST_WORK, LONGEST_WORK))
        return min(max(least, 1), MOST_SLAVES), min(max(most, 1), MOST_SLAVES)
