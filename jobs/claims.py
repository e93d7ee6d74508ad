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
#: How many slaves a claim takes at most. Of many small ones a claim of fewer would be a visit for
#: little work, and stacks too small to make up for what NumPy takes to be called.
MOST_SLAVES = 1024

#: By kind of round the places at which claims have begun, and how many slaves these took.
Known = dict[str, dict[int, int]]


class Claims:
    """A worker's claims in the rounds of a run, for one kind of job.

    `held` are the slaves that it can act for, None for any. Of any, it asks again for those that
    it has claimed before, and together, since their rows are in its memory as a stack: `known`
    says by kind of round from which places on, and how many.
    """

    def __init__(self, job: str, held: Sequence[str] | None, known: Known) -> None:
        self._job, self._held, self._known = job, held, known
        #: From which of these places on to ask for slaves in each round.
        self._places: dict[RoundName, list[int]] = {}
        #: Seconds that a slave takes, by kind of round, as last seen.
        self._seconds: dict[str, float] = {}

    def ask(self, name: RoundName, *, with_task: bool) -> Ask:
        """Make what is asked for in a round, and whether for its task."""
        least, most = self.worth_a_visit(name.kind)
        known = self._of_kind(name.kind)
        # The longest first: what is left of shorter ones, others have claimed since.
        places = sorted(known, key=known.__getitem__, reverse=True)
        place = next(iter(self._places.setdefault(name, places)), 0)
        # Times differ from visit to visit: who is claimed together is to stay the same.
        if most / 2 <= known.get(place, 0) <= 2 * most:
            least = most = known[place]
        return Ask(
            name=name,
            job=self._job,
            wishes=self._held or (),
            take_any=self._held is None,
            place=place,
            least=least,
            most=most,
            with_task=with_task,
        )

    def granted(self, ask: Ask, claim: Claim) -> None:
        """Note from where on to ask for slaves of any the next time, and in the next rounds."""
        if not ask.take_any or claim.place < 0:
            return
        known, places = self._of_kind(ask.name.kind), self._places[ask.name]
        asked, places[:1] = places[:1], []
        end = claim.place + len(claim.slaves)
        # Where another worker was first, that one has their rows now; and claims do not overlap.
        for place in [p for p in known if p in asked or claim.place <= p < end]:
            del known[place]
        known[claim.place] = len(claim.slaves)

    def _of_kind(self, kind: str) -> dict[int, int]:
        """Look up what is known; a kind of round that is new begins with what another knows."""
        if kind not in self._known:
            self._known[kind] = dict(next(iter(self._known.values()), {}))
        return self._known[kind]

    def emptied(self, name: RoundName) -> None:
        """Note that a round has nobody left to claim."""
        self._places.pop(name, None)

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
