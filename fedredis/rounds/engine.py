"""The engine: opens the exchanges that a plan yields, reduces what comes back, commits the step.

It knows no kind of round. A round is over when its barrier is closed and all its bundles are in
the sum; its commit and the openings that follow from it are one round trip.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from fedredis.arrays import Bundle
from fedredis.errors import BlobError, RoundFailedError, StopRequestedError
from fedredis.exchanges import job_of
from fedredis.exchanges.plan import Progress
from fedredis.exchanges.reduction import TWICE, Reduction
from fedredis.keys import RoundName
from fedredis.store.results import RoundState
from fedredis.store.turns import Committal, Opening

if TYPE_CHECKING:
    from fedredis.exchanges import Exchange, Step
    from fedredis.exchanges.plan import Plan
    from fedredis.store.master import MasterStore

logger = logging.getLogger("fedredis.rounds")

#: Seconds between two looks at leases, deadlines and workers; events come at once.
TICK = 2.5
#: Bytes of bundles that are checked in one go.
CHECK_BYTES = 4_000_000
#: How many slaves a line names, and of how many it says what went wrong.
NAMED, REASONS = 10, 3
#: How often a round is mended to which a slave writes what it may not.
MOST_MENDED = 5


class Dispatch(Protocol):
    """Sends workers to a round."""

    #: How many workers this master has started, who come to every round.
    workers: int

    def __call__(self, name: RoundName, job: str, waiting: int, attached: Collection[str]) -> None:
        """Send workers to a round, which jobs of a kind serve, and that waits for some slaves.

        `attached` names the workers that are at the run already.
        """


#: Called with each committed round and its entry in the history.
Report = Callable[[RoundName, Mapping[str, Any]], None]


class OpenRound:
    """A round on its way: what it is for, what has come back, when it was opened (seconds)."""

    def __init__(self, exchange: Exchange, opened: float, rows: Mapping[str, int]) -> None:
        """`rows` says how many each slave had when the run began, where that is known."""
        self.exchange, self.opened = exchange, opened
        self.reduction = Reduction(exchange.rule, exchange.slaves, rows)
        #: How many bundles were looked at, and why some were refused, by slave.
        self.fetched = 0
        self.refused: dict[str, str] = {}
        self.closed = False
        #: In which bundle each slave is that was counted, and how often that had to be put right.
        self.inside: dict[str, str] = {}
        self.mended = 0

    @property
    def complete(self) -> bool:
        """Whether every slave that is asked has been counted."""
        return self.reduction.counted == len(self.exchange.slaves)

    def take(self, bundles: Sequence[tuple[str, Bundle]]) -> dict[str, str]:
        """Count bundles; return why some can't be, by their names."""
        refused = self.reduction.take(bundles)
        for called, bundle in bundles:
            if called not in refused:
                self.inside |= dict.fromkeys(bundle.slaves, called)
        return {called: str(why) for called, why in refused.items()}


class Engine:
    """The rounds of one run, under a lease that the caller holds.

    Every method raises `RoundFailedError` if a round can't be completed with a quorum,
    `StopRequestedError` if this master is asked to stop, `LeaseLostError` if another one has taken
    over, and `StateLostError` if the server has lost what this one knows: then only Redis says
    where the run stands.
    """

    def __init__(
        self,
        store: MasterStore,
        plan: Plan,
        *,
        dispatch: Dispatch,
        report: Report,
        clock: Callable[[], float],
    ) -> None:
        self._store, self._plan, self._config = store, plan, plan.setup.config
        self._dispatch, self._report, self._clock = dispatch, report, clock
        self._open: dict[RoundName, OpenRound] = {}
        self._next_tick = 0.0
        self._progress = Progress()
        self._rows = dict(zip(self._config.slave_ids, self._config.each, strict=False))

    def drive(self, progress: Progress) -> None:
        """Go from where the run stands to its end."""
        self._turn([], progress)
        while self._open:
            progress = self._over(self._closed(), progress)
        self._store.warn(*self._plan.ending(progress))

    def _over(self, done: Sequence[RoundName], progress: Progress) -> Progress:
        """Let rounds that are over take the run on."""
        committals = []
        for name in done:
            # Nothing of it is held from here on: the next takes as much memory.
            progress, committal = self._learn(self._open.pop(name), progress)
            committals.append(committal)
        self._turn(committals, progress)
        return progress

    def _learn(self, done: OpenRound, progress: Progress) -> tuple[Progress, Committal]:
        reduced = done.reduction.reduced()
        step = done.exchange.learn(reduced)
        progress, step = self._plan.after(progress, done.exchange, step, reduced)
        return progress, self._committal(done, step)

    def _turn(self, done: Sequence[Committal], progress: Progress) -> None:
        """Commit rounds, and open those that can begin then."""
        self._progress = progress
        due = self._plan.due(progress, list(self._open))
        opened = self._clock()
        openings = [self._opening(exchange, progress) for exchange in due]
        answers = self._store.turn(done, openings)
        for committal in done:
            for name, entry in committal.entries.items():
                self._log("committed", name, ms=entry["ms"])
                self._report(name, entry)
        rounds = [OpenRound(exchange, opened, self._rows) for exchange in due]
        self._open |= {round_.exchange.name: round_ for round_ in rounds}
        for round_, opening, answer in zip(rounds, openings, answers, strict=True):
            self._log("adopted" if answer.adopted else "opened", opening.name)
            if answer.adopted:
                # A master before opened it: no event will tell how far it is.
                self._tend(round_)
            if not round_.closed:
                self._dispatch(opening.name, opening.job, opening.expected, answer.attached)

    def _opening(self, exchange: Exchange, progress: Progress) -> Opening:
        asked, everyone = exchange.slaves, self._config.slave_ids
        name = exchange.name
        return Opening(
            name=name,
            job=job_of(self._plan.setup, name),
            slaves=None if asked == everyone else asked,
            expected=len(asked),
            quorum=self._needed(exchange),
            timeout_ms=self._config.round_timeout_ms,
            attempts=self._config.attempts,
            workers=self._dispatch.workers,
            reads=self._plan.reads(name, progress),
            task={"config": self._config.digest.hex()},
        )

    def _needed(self, exchange: Exchange) -> int:
        return exchange.enough or self._config.required(len(exchange.slaves))

    def _entry(self, done: OpenRound, step: Step) -> dict[str, Any]:
        return {
            "slaves": done.reduction.counted,
            "samples": done.reduction.samples,
            "missing": done.reduction.missing(),
            "refused": done.refused,
            "ms": round((self._clock() - done.opened) * 1000, 3),
            **step.entry,
        }

    def _committal(self, done: OpenRound, step: Step) -> Committal:
        return Committal(
            name=done.exchange.name,
            counted=done.reduction.counted,
            entries={
                **{name: self._entry(done, other) for name, other in step.beside.items()},
                done.exchange.name: self._entry(done, step),
            },
            progress=step.progress,
            artifacts=step.artifacts,
            drop=step.drop,
            slaves=json.dumps(done.reduction.facts()),
            warnings=step.warnings,
        )

    def _closed(self) -> list[RoundName]:
        """Wait until rounds are over: closed, and all that came back in their sums."""
        while True:
            if closed := [name for name, round_ in self._open.items() if round_.closed]:
                return closed
            self._pump()

    def _pump(self) -> None:
        """Wait for something to happen, and let every round get ahead."""
        if self._clock() >= self._next_tick:
            self._tick()
        rounds = {name: round_ for name, round_ in self._open.items() if not round_.closed}
        heard = self._store.hear(
            max(0.0, self._next_tick - self._clock()),
            {name: round_.fetched for name, round_ in rounds.items()},
        )
        if any(event.type == "stop" for event in heard.events):
            self._heed()
        self._advance([rounds[name] for name in heard.arrived])
        failed = {event.round: event.slave for event in heard.events if event.type == "failed"}
        for name, round_ in rounds.items():
            if str(name) in failed:
                self._log("failed", name, logging.WARNING, slave=failed[str(name)])
            if heard.states[name] == "closed" and round_.complete:
                round_.closed = True
            elif heard.states[name] != "open" or str(name) in failed:
                # It may be open again by now, since something was refused.
                self._tend(round_)

    def _heed(self) -> None:
        """Stop if that is asked for; an event alone says nothing, since slaves may write some."""
        if self._store.is_to_stop():
            raise StopRequestedError(f"run {self._store.keys.run_id} was asked to stop")

    def _tick(self) -> None:
        """Look after all that no event tells of."""
        self._heed()
        for round_ in self._open.values():
            if not round_.closed:
                self._tend(round_, look_for_workers=True)
        # The lease is prolonged here, so well before it ends.
        self._next_tick = self._clock() + min(TICK, self._config.lease_ms / 2000)

    def _tend(self, round_: OpenRound, *, look_for_workers: bool = False) -> None:
        """Ask Redis how a round stands, and take what has come back."""
        name = round_.exchange.name
        job = job_of(self._plan.setup, name)
        while True:
            tending = self._store.tend(name, job)
            if tending.state is RoundState.BELOW_QUORUM:
                raise self._failure(round_)
            closed = tending.state is RoundState.CLOSED
            if tending.bundles != round_.fetched:
                # What was refused is asked for again: the round may be open once more.
                if self._advance([round_]) and not closed:
                    break
                continue
            counted = round_.reduction.counted
            few = closed and counted < self._needed(round_.exchange)
            if tending.arrived == counted and not few and not tending.nowhere:
                break
            self._mend(round_)
        round_.closed = closed
        if look_for_workers and not round_.closed:
            waiting = len(round_.exchange.slaves) - tending.arrived
            self._dispatch(name, job, waiting, tending.attached)

    def _mend(self, round_: OpenRound) -> None:
        """Put a round right in which others are said to be in than are, or some are nowhere."""
        name = round_.exchange.name
        round_.mended += 1
        if round_.mended > MOST_MENDED:
            raise RoundFailedError(
                f"round {name} can't be completed: again and again others are said to be in than "
                "have handed in, or some are not listed; somebody else writes to its keys"
            )
        self._log("mended", name, logging.WARNING)
        self._store.mend(name, round_.inside)
        self._store.turn([], [self._opening(round_.exchange, self._progress)])

    def _advance(self, rounds: Sequence[OpenRound]) -> bool:
        """Take what has come back; say whether all of it could be counted."""
        if not rounds:
            return True
        named = {round_.exchange.name: round_ for round_ in rounds}
        refused: dict[RoundName, dict[str, str]] = {name: {} for name in named}
        ready: dict[RoundName, list[tuple[str, Bundle]]] = {name: [] for name in named}
        for name, called, parts in self._store.bundles({n: r.fetched for n, r in named.items()}):
            round_, rule = named[name], named[name].exchange.rule
            round_.fetched += 1
            try:
                apart = len(round_.exchange.slaves) if rule.apart else 0
                ready[name].append((called, Bundle.of(rule.schema, parts, apart)))
            except BlobError as error:
                refused[name][called] = str(error)
            if len(ready[name]) * rule.schema.nbytes >= CHECK_BYTES:
                refused[name] |= round_.take(ready[name])
                ready[name] = []
        for name, round_ in named.items():
            refused[name] |= round_.take(ready[name])
            if refused[name]:
                self._refuse(round_, refused[name])
        return not any(refused.values())

    def _refuse(self, round_: OpenRound, refused: Mapping[str, str]) -> None:
        """Have the work of bundles that can't be counted done again."""
        round_.fetched -= len(refused)
        for called, slaves in self._store.refuse(round_.exchange.name, refused).items():
            why = refused[called]
            if why != TWICE:
                round_.refused |= dict.fromkeys(slaves, why)
            told = ",".join(slaves[:NAMED])
            self._log("refused", round_.exchange.name, logging.WARNING, slave=told, why=why)

    def _failure(self, round_: OpenRound) -> RoundFailedError:
        exchange, store = round_.exchange, self._store
        asked, missing = len(exchange.slaves), store.missing(exchange.name, exchange.slaves)
        names = ", ".join(missing[:NAMED]) + (", …" if len(missing) > NAMED else "")
        failed = store.failed(exchange.name)
        reasons = store.last_errors([slave for slave in missing if slave in failed][:REASONS])
        line = (
            f"round {exchange.name} can't be completed: {asked - len(missing)} of {asked} slaves "
            f"counted, {self._needed(exchange)} needed"
            + (f"; missing: {names}" if missing else "")
            + "".join(f"; {reason}" for reason in reasons)
        )
        self._log("failed", exchange.name, logging.ERROR, why=line)
        return RoundFailedError(line)

    def _log(self, what: str, name: RoundName, level: int = logging.INFO, **more: Any) -> None:
        fields = {"run": self._store.keys.run_id, "round": str(name), **more}
        told = " ".join(f"{field}={value}" for field, value in fields.items())
        logger.log(level, "%s %s", what, told, extra=fields)
