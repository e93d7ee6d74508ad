"""A job's stay with a run: it serves slaves round after round, and leaves when idle.

The job that a master enqueues is only a wake-up. Once here, a worker goes back and forth: each
visit to Redis hands in what it has computed and claims the next slaves, of all rounds that are
open, so that the test of a model and the training of the next one share their trips. When nothing
is left to claim it waits a little for the next round: a run costs a few jobs, not a few a round.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from fedredis.errors import ArtifactGoneError, RuleError
from fedredis.exchanges.hiding import plain_name
from fedredis.jobs.desk import Desk
from fedredis.jobs.heartbeat import Heartbeat
from fedredis.store.replies import reads_of
from fedredis.store.results import SubmissionState
from fedredis.store.slave import Ask, Handed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fedredis.arrays import Updates
    from fedredis.exchanges import Exchange
    from fedredis.jobs.context import WorkerContext
    from fedredis.jobs.view import RunView
    from fedredis.keys import RoundName
    from fedredis.store.slave import Claim, Submission

logger = logging.getLogger("fedredis.worker")

#: Kinds of rounds in which a slave trains for the first time.
FIRST = ("train", "grow")
#: Seconds that a job waits for the next round before it leaves the worker to others.
LINGER = 1.0
#: Seconds after which a job leaves between two rounds all the same, so that RQ sees it end.
LONGEST_STAY = 60.0
#: Seconds between two looks at whether jobs of other runs wait.
OTHERS_LOOKED = 0.1
#: Seconds of work that are worth a visit, and that a claim takes at most where it can tell.
SHORTEST_WORK, LONGEST_WORK = 0.02, 0.1
#: How many slaves a claim takes at most.
MOST_SLAVES = 256


def serve(context: WorkerContext, run_id: str, job: str) -> dict[str, Any]:
    """Stay with a run; return what was done, which RQ keeps as the job's result."""
    run = context.view(run_id)
    attachment, sampler = Attachment(context, run, job), context.sampler(run_id)

    def beat() -> None:
        attachment.beat()
        sampler.beat()

    with sampler, Heartbeat(beat, run.config.lease_ms / 3000):
        attachment.stay()
    context.let_go()
    return {"worker": context.card.name, "counted": attachment.counted}


@dataclass(frozen=True, eq=False)
class Done:
    """What was computed for slaves that were claimed, and is to be handed in."""

    claim: Claim
    exchange: Exchange
    updates: Updates

    def handed(self) -> list[Handed]:
        """Add the slaves up as far as may be."""
        rule = self.exchange.rule
        memories = dict(zip(self.updates.slaves, self.updates.memories, strict=False))
        return [
            Handed(
                self.claim,
                bundle,
                rule.schema.stacked(len(bundle.slaves)) if rule.apart else rule.schema,
                [memories[slave] for slave in bundle.slaves] if memories else (),
                self.exchange.remembers,
            )
            for bundle in rule.bundles(self.updates)
        ]

    def timed(self, ms: float) -> Done:
        """Have each slave tell how long it took: the average of those worked for at once."""
        told = {"ms": [round(ms, 3)] * len(self.updates.slaves)}
        return replace(self, updates=replace(self.updates, facts={**self.updates.facts, **told}))

    def without(self, slaves: set[str]) -> Done | None:
        """Return what is left without some slaves, if anything is."""
        places = [i for i, slave in enumerate(self.updates.slaves) if slave not in slaves]
        return replace(self, updates=self.updates.take(places)) if places else None


class Attachment:
    """One worker's stay with one run for one kind of job."""

    def __init__(
        self,
        context: WorkerContext,
        run: RunView,
        job: str,
        clock: Callable[[], float] = time.monotonic,
        *,
        linger: float = LINGER,
    ) -> None:
        self._context, self._run, self._job, self._clock = context, run, job, clock
        self._linger, self._store = linger, run.store
        #: Held while the attachment is said or taken back, which two threads do.
        self._lock = threading.Lock()
        self._attached = False
        self._leave_at = clock() + LONGEST_STAY
        self._look_at = clock() + OTHERS_LOOKED
        #: Rounds that may have something to claim, with what they are for once that is known.
        self._rounds: dict[RoundName, tuple[Exchange, Mapping[str, str]] | None] = {}
        #: Whom to ask for in each of them: whose rows are in memory, the latest first.
        self._wishes: dict[RoundName, list[str]] = {}
        #: Seconds that a slave takes, by kind of round, as last seen.
        self._seconds: dict[str, float] = {}
        #: Slaves counted, by kind of round.
        self.counted: dict[str, int] = {}

    def beat(self) -> None:
        """Prolong what this worker holds."""
        with self._lock:
            if self._attached:
                self._store.attach(self._job)

    def stay(self) -> None:
        """Serve open rounds until there is no work for a while."""
        self._attach()
        try:
            self._serve()
            claimed = True
            while claimed:
                # Said before the last look: a master that opens a round later counts this worker
                # out.
                self._detach()
                self._note(self._store.open_rounds().names)
                claimed = self._drain()
        finally:
            if self._attached:
                self._detach()

    def _serve(self) -> None:
        state = self._store.open_rounds()
        while True:
            self._note(state.names)
            self._drain()
            if self._should_leave():
                break
            state = self._store.wait_for_work(state.cursor, self._linger)
            if not any(map(self._serves, state.names)):
                break

    def _attach(self) -> None:
        with self._lock:
            self._store.attach(self._job)
            self._attached = True

    def _detach(self) -> None:
        with self._lock:
            self._store.detach(self._job)
            self._attached = False

    def _serves(self, name: RoundName) -> bool:
        return self._run.job_of(name) == self._job

    def _note(self, names: Sequence[RoundName]) -> None:
        for name in filter(self._serves, names):
            # Anew, in case that the round was opened a second time.
            self._rounds[name] = None

    def _should_leave(self) -> bool:
        now = self._clock()
        if self._context.stopping() or now > self._leave_at:
            return True
        if now < self._look_at:
            return False
        self._look_at = now + OTHERS_LOOKED
        return self._context.others_wait(self._run.run_id)

    def _drain(self) -> bool:
        """Go back and forth until no known round has a slave left; tell if any was worked for."""
        done: list[Done] = []
        claimed = False
        while True:
            asks = [] if self._context.stopping() else [self._ask(name) for name in self._rounds]
            if not asks and not done:
                return claimed
            handed = [one.handed() for one in done]
            names = [one.claim.name for one in done]
            self._context.gate.note(self._run.run_id, zip(names, handed, strict=True))
            wanted = {n for ask in asks if ask.with_task for n in self._run.likely(ask.name)}
            visit = self._store.visit([h for some in handed for h in some], asks, wanted)
            self._run.keep(visit.artifacts)
            queue = iter(visit.submissions)
            rest = [
                self._answered(one, some, list(islice(queue, len(some))))
                for one, some in zip(done, handed, strict=True)
            ]
            done = [one for one in rest if one is not None]
            for ask, claim in zip(asks, visit.claims, strict=True):
                if claim is None or not claim.slaves:
                    self._rounds.pop(ask.name, None)
                    self._wishes.pop(ask.name, None)
                else:
                    # A claim attaches its worker, and lasts as long as that is prolonged.
                    self._attached = True
                    self._granted(ask, claim)
                    done += self._work(claim)
            claimed = claimed or bool(done)

    def _ask(self, name: RoundName) -> Ask:
        held, (least, most) = self._context.card.slaves, self._worth_a_visit(name.kind)
        if name not in self._wishes:
            self._wishes[name] = list(reversed(self._run.served)) if held is None else list(held)
        wishes = self._wishes[name]
        return Ask(
            name=name,
            job=self._job,
            wishes=wishes[:most] if held is None else wishes,
            take_any=held is None,
            least=least,
            most=most,
            with_task=self._rounds[name] is None,
        )

    def _granted(self, ask: Ask, claim: Claim) -> None:
        """Note whom a worker that can act for any slave need not wish for again."""
        served = self._run.served
        for slave in claim.slaves:
            served.pop(slave, None)
            served[slave] = None
        if not ask.take_any:
            return
        wished = {slave: place for place, slave in enumerate(ask.wishes)}
        # Those before the last one that was given are with others, and all of them if some were
        # given that nobody wished for.
        given = [wished.get(slave, len(wished) - 1) for slave in claim.slaves]
        del self._wishes[ask.name][: max(given) + 1]

    def _worth_a_visit(self, kind: str) -> tuple[int, int]:
        """Tell how many slaves to claim at least and at most, from how long one takes."""
        seconds = self._seconds.get(kind)
        if seconds is None:
            return 1, 1
        seconds = max(seconds, 1e-6)
        least, most = (int(work / seconds) for work in (SHORTEST_WORK, LONGEST_WORK))
        return min(max(least, 1), MOST_SLAVES), min(max(most, 1), MOST_SLAVES)

    def _work(self, claim: Claim) -> list[Done]:
        """Work for claimed slaves; return what is to be handed in, if the round goes on."""
        try:
            try:
                exchange, task = self._exchange(claim)
            except (ArtifactGoneError, RedisError):
                raise
            except Exception:
                # Nobody's rows are to blame, and yet nobody can be worked for here.
                for slave in claim.slaves:
                    self._fail(claim, slave)
                return []
            started = self._clock()
            done = self._contribute(claim, exchange, task, claim.slaves)
        except ArtifactGoneError:
            self._rounds.pop(claim.name, None)
            return []
        seconds = (self._clock() - started) / len(claim.slaves)
        self._seconds[claim.name.kind] = seconds
        # Under masks what a slave tells of itself is nothing.
        return done if self._run.config.secure else [one.timed(1000 * seconds) for one in done]

    def _exchange(self, claim: Claim) -> tuple[Exchange, Mapping[str, str]]:
        known = self._rounds.get(claim.name)
        if known is None:
            known = self._run.exchange(claim.name, claim.task), claim.task
            self._rounds[claim.name] = known
        return known

    def _fail(self, claim: Claim, slave: str) -> None:
        """Report the exception at hand as a slave's failed attempt."""
        told = {"run": self._run.run_id, "round": str(claim.name), "slave": slave}
        error = sys.exc_info()[1]
        if isinstance(error, RuleError):
            # Nothing is wrong: a line says it all.
            logger.warning("slave %s in round %s: %s", slave, claim.name, error, extra=told)
            self._store.fail(claim, slave, traceback=str(error))
            return
        logger.exception("slave %s failed in round %s", slave, claim.name, extra=told)
        self._store.fail(claim, slave, traceback=traceback.format_exc())

    def _contribute(
        self, claim: Claim, exchange: Exchange, task: Mapping[str, str], slaves: Sequence[str]
    ) -> list[Done]:
        """Do the slaves' work; those that fail are reported, the others' is returned."""
        gate = self._context.gate
        try:
            if plain_name(claim.name).kind in FIRST and claim.name.number == 1:
                for slave in slaves:
                    self._warn(slave, exchange)
            desk = self._desk(exchange, task, slaves)
            gate.check(exchange, desk)
            updates = exchange.local(desk)
            gate.check_counts(exchange, updates)
        except (ArtifactGoneError, RedisError):
            raise
        except Exception as error:
            if len(slaves) > 1:
                # One by one, so that a slave that fails takes no other with it.
                each = [self._contribute(claim, exchange, task, [slave]) for slave in slaves]
                return [one for some in each for one in some]
            nothing = exchange.abstain(slaves) if isinstance(error, RuleError) else None
            if nothing is not None:
                return [Done(claim, exchange, nothing)]
            self._fail(claim, slaves[0])
            return []
        return [Done(claim, exchange, updates)]

    def _warn(self, slave: str, exchange: Exchange) -> None:
        """Say what is likely to be a mistake in a slave's rows, before it first trains."""
        known = getattr(exchange, "known", None)
        # A masked sum has it inside; where it is unmasked, all is said.
        if known is None:
            return
        for line in self._context.inputs.alone(slave, self._run.setup, known):
            told = {"run": self._run.run_id, "slave": slave}
            logger.warning("slave %s: %s", slave, line, extra=told)

    def _desk(self, exchange: Exchange, task: Mapping[str, str], slaves: Sequence[str]) -> Desk:
        memories = {}
        if exchange.remembers is not None:
            before, schema = exchange.name.number, exchange.remembers
            found = self._store.memories(slaves, before, schema)
            memories = dict(zip(slaves, found, strict=True))
        _, version = reads_of(task).get("known", ("", ""))
        owner = self._context.gate.owner
        return Desk(slaves, self._run, self._context.inputs, version, memories, owner)

    def _answered(
        self, done: Done, handed: Sequence[Handed], answers: Sequence[Submission]
    ) -> Done | None:
        """Note what became of bundles; return what is left to be handed in without some slaves."""
        kind, name, overlap = done.claim.name.kind, done.claim.name, set[str]()
        counted = 0
        for answer, one in zip(answers, handed, strict=True):
            logger.debug("round %s: %s", name, answer.state.name)
            overlap |= set(answer.overlap)
            if answer.state is SubmissionState.COUNTED:
                counted += len(one.bundle.slaves)
        self.counted[kind] = self.counted.get(kind, 0) + counted
        # Where every slave is a bundle of its own, the others are in already.
        return done.without(overlap) if overlap and len(answers) == 1 else None
