"""The engine: opens the exchanges that a plan yields, reduces what comes back, commits the step.

It knows no kind of round. A round is over when its barrier is closed and all its bundles are in
the sum; its commit and the openings that follow from it are one round trip.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from fedredis.arrays import Bundle
from fedredis.errors import BlobError, RoundFailedError
from fedredis.exchanges import job_of
from fedredis.exchanges.reduction import Reduction
from fedredis.keys import RoundName
from fedredis.store.results import RoundState
from fedredis.store.turns import Committal, Opening

if TYPE_CHECKING:
    from fedredis.exchanges import Exchange, Step
    from fedredis.exchanges.plan import Plan, Progress
    from fedredis.store.master import MasterStore

logger = logging.getLogger("fedredis.rounds")

#: Seconds between two looks at leases, deadlines and workers; events come at once.
TICK = 2.5
#: Bytes of bundles that are checked in one go.
CHECK_BYTES = 4_000_000
#: How many slaves a line names.
NAMED = 10


class Dispatch(Protocol):
    """Sends workers to a round."""

    def __call__(
        self, name: RoundName, job: str, waiting: int, attached: Iterable[str] | None = None
    ) -> None:
        """Send workers to a round, which jobs of a kind serve, and that waits for some slaves.

        `attached` names the workers that are at the run already, if it is known.
        """


#: Called with each committed round and its entry in the history.
Report = Callable[[RoundName, Mapping[str, Any]], None]


class OpenRound:
    """A round on its way: what it is for, what has come back, when it was opened (seconds)."""

    def __init__(self, exchange: Exchange, opened: float) -> None:
        self.exchange, self.opened = exchange, opened
        self.reduction = Reduction(exchange.rule, exchange.slaves)
        #: How many bundles were looked at, and why some were refused, by slave.
        self.fetched = 0
        self.refused: dict[str, str] = {}
        self.closed = False


class Engine:
    """The rounds of one run, under a lease that the caller holds.

    Every method raises `RoundFailedError` if a round can't be completed with a quorum,
    `LeaseLostError` if another master has taken over, and `StateLostError` if the server has lost
    what this master knows: then only Redis says where the run stands.
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
        self._cursor = store.last_event()
        self._next_tick = 0.0

    def drive(self, progress: Progress) -> None:
        """Go from where the run stands to its end."""
        self._turn(None, progress)
        while self._open:
            done = self._next()
            reduced = done.reduction.reduced()
            step = done.exchange.learn(reduced)
            progress, step = self._plan.after(progress, done.exchange, step, reduced)
            self._turn((done, step), progress)
        self._store.warn(*self._plan.ending(progress))

    def _turn(self, done: tuple[OpenRound, Step] | None, progress: Progress) -> None:
        """Commit a round, and open those that can begin then."""
        committal, entry = None, {}
        if done:
            entry = self._entry(*done)
            committal = self._committal(*done, entry)
        under_way = [name for name in self._open if not done or name != done[0].exchange.name]
        due = self._plan.due(progress, under_way)
        opened = self._clock()
        openings = [self._opening(exchange, progress) for exchange in due]
        adopted = self._store.turn(committal, openings)
        if done:
            name = done[0].exchange.name
            del self._open[name]
            self._log("committed", name, ms=entry["ms"])
            self._report(name, entry)
        rounds = [OpenRound(exchange, opened) for exchange in due]
        self._open |= {round_.exchange.name: round_ for round_ in rounds}
        for round_, opening, was_open in zip(rounds, openings, adopted, strict=True):
            self._log("adopted" if was_open else "opened", opening.name)
            if was_open:
                # A master before opened it: no event will tell how far it is.
                self._tend(round_)
            self._dispatch(opening.name, opening.job, opening.expected)

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
            reads=self._plan.reads(name, progress),
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

    def _committal(self, done: OpenRound, step: Step, entry: Mapping[str, Any]) -> Committal:
        return Committal(
            name=done.exchange.name,
            counted=done.reduction.counted,
            entry=entry,
            progress=step.progress,
            artifacts=step.artifacts,
            drop=step.drop,
            slaves=json.dumps(done.reduction.facts()),
            warnings=step.warnings,
        )

    def _next(self) -> OpenRound:
        """Wait until a round is over: closed, and all that came back in its sum."""
        while True:
            for round_ in self._open.values():
                if round_.closed:
                    return round_
            self._pump()

    def _pump(self) -> None:
        """Wait for something to happen, and let every round get ahead."""
        if self._clock() >= self._next_tick:
            self._tick()
        for event in self._store.wait(self._cursor, max(0.0, self._next_tick - self._clock())):
            self._cursor = event.id
            for name, round_ in self._open.items():
                if event.round != str(name):
                    continue
                if event.type in ("arrived", "closed"):
                    self._advance(round_, closed=event.type == "closed")
                if event.type == "failed":
                    self._tend(round_)

    def _tick(self) -> None:
        """Look after all that no event tells of."""
        for round_ in self._open.values():
            if not round_.closed:
                self._tend(round_, look_for_workers=True)
        # The lease is prolonged here, so well before it ends.
        self._next_tick = self._clock() + min(TICK, self._config.lease_ms / 2000)

    def _tend(self, round_: OpenRound, *, look_for_workers: bool = False) -> None:
        """Ask Redis how a round stands."""
        name = round_.exchange.name
        job = job_of(self._plan.setup, name)
        tending = self._store.tend(name, job)
        if tending.state is RoundState.BELOW_QUORUM:
            raise self._failure(round_)
        closed = tending.state is RoundState.CLOSED
        if closed or tending.bundles > round_.fetched:
            self._advance(round_, closed=closed)
        elif look_for_workers:
            waiting = len(round_.exchange.slaves) - tending.arrived
            self._dispatch(name, job, waiting, tending.attached)

    def _advance(self, round_: OpenRound, *, closed: bool) -> None:
        """Take what has come back; what can't be counted is refused, and asked for again."""
        name, rule = round_.exchange.name, round_.exchange.rule
        step = max(1, CHECK_BYTES // max(1, rule.schema.nbytes))
        ready: list[tuple[str, Bundle]] = []
        refused: dict[str, str] = {}
        for bundle_name, parts in self._store.bundles(name, round_.fetched):
            round_.fetched += 1
            try:
                apart = len(round_.exchange.slaves) if rule.apart else 0
                ready.append((bundle_name, Bundle.of(rule.schema, parts, apart)))
            except BlobError as error:
                refused[bundle_name] = str(error)
            if len(ready) >= step:
                refused |= self._take(round_, ready)
                ready = []
        refused |= self._take(round_, ready)
        if not refused:
            round_.closed = round_.closed or closed
            return
        round_.closed = False
        round_.fetched -= len(refused)
        self._store.refuse(name, refused)
        for bundle_name, why in refused.items():
            self._log("refused", name, slave=bundle_name, why=why)
        self._tend(round_)

    def _take(self, round_: OpenRound, ready: Sequence[tuple[str, Bundle]]) -> dict[str, str]:
        found = {n: str(why) for n, why in round_.reduction.take(ready).items()}
        slaves = {n: bundle.slaves for n, bundle in ready if n in found}
        round_.refused |= {slave: found[n] for n, names in slaves.items() for slave in names}
        return found

    def _failure(self, round_: OpenRound) -> RoundFailedError:
        exchange, store = round_.exchange, self._store
        missing = store.missing(exchange.name, exchange.slaves)
        names = ", ".join(missing[:NAMED]) + (", …" if len(missing) > NAMED else "")
        reasons = [f"slave {slave}: {why}" for slave, why in round_.refused.items()]
        reasons += store.last_errors([s for s in missing if s not in round_.refused][:3])
        return RoundFailedError(
            f"round {exchange.name} can't be completed: "
            f"{len(exchange.slaves) - len(missing)} of {len(exchange.slaves)} slaves counted, "
            f"{self._needed(exchange)} needed"
            + (f"; missing: {names}" if missing else "")
            + "".join(f"; {reason}" for reason in reasons[:NAMED])
        )

    def _log(self, what: str, name: RoundName, **more: Any) -> None:
        fields = {"run": self._store.keys.run_id, "round": str(name), **more}
        level = logging.WARNING if what == "refused" else logging.INFO
        told = " ".join(f"{key}={value}" for key, value in more.items())
        logger.log(level, "%s %s %s", what, name, told, extra=fields)
