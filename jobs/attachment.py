"""A job's stay with a run: it serves slaves round after round, and leaves when idle.

The job that a master enqueues is only a wake-up. Once here, a worker goes back and forth: each
visit to Redis hands in what it has computed and claims the next slaves, of all rounds that are
open, so that the test of a model and the training of the next one share their trips. When nothing
is left to claim it waits a little for the next round, and claims of it in the trip that waits: a
run costs a few jobs, not a few a round.
"""

from __future__ import annotations

import logging
import threading
import time
from itertools import islice
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from fedredis.errors import ArtifactGoneError, JournalError, RunReplacedError
from fedredis.jobs.claims import Claims
from fedredis.jobs.heartbeat import Heartbeat
from fedredis.jobs.idle import Idle
from fedredis.jobs.labour import Done, Labour
from fedredis.store.results import SubmissionState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fedredis.exchanges import Exchange
    from fedredis.jobs.context import WorkerContext
    from fedredis.jobs.view import RunView
    from fedredis.keys import RoundName
    from fedredis.store.slave import Ask, Claim, Handed, Submission, Visit

logger = logging.getLogger("fedredis.worker")

#: Seconds that a job waits for the next round before it leaves the worker to others.
LINGER = 1.0
#: Seconds after which a job leaves between two rounds all the same, so that RQ sees it end.
LONGEST_STAY = 60.0
#: Seconds between two looks at whether jobs of other runs wait.
OTHERS_LOOKED = 0.1


def serve(context: WorkerContext, run_id: str, job: str) -> dict[str, Any]:
    """Stay with a run; return what was done, which RQ keeps as the job's result."""
    while True:
        try:
            counted = _stay(context, run_id, job)
        except RunReplacedError:
            # What is held was made for another run, which had its name.
            context.forget()
        else:
            context.let_go()
            return {"worker": context.card.name, "counted": counted}


def _stay(context: WorkerContext, run_id: str, job: str) -> dict[str, int]:
    run = context.view(run_id)
    attachment, sampler = Attachment(context, run, job), context.sampler(run_id)

    def beat() -> None:
        attachment.beat()
        sampler.beat()

    with sampler, Heartbeat(beat, run.config.lease_ms / 3000):
        attachment.stay()
    return attachment.counted


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
        self._claims = Claims(job, context.card.slaves, run.known)
        self._labour = Labour(context, run, Idle(clock))
        #: Held while the attachment is said or taken back, which two threads do.
        self._lock = threading.Lock()
        self._attached = False
        self._leave_at = clock() + LONGEST_STAY
        self._look_at = clock() + OTHERS_LOOKED
        #: Rounds that may have something to claim, with what they are for once that is known, and
        #: in which epoch: opened anew, a round may be for something else.
        self._rounds: dict[RoundName, tuple[int, Exchange, Mapping[str, str]] | None] = {}
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
                self._note([*filter(self._serves, self._store.open_rounds().names)])
                claimed = self._drain([])
        finally:
            if self._attached:
                self._detach()

    def _serve(self) -> None:
        state = self._store.open_rounds()
        cursor, opened = state.cursor, list(filter(self._serves, state.names))
        fresh, done = opened, list[Done]()
        while True:
            self._note(fresh)
            self._drain(done)
            if self._should_leave():
                break
            self._labour.idle.work()
            asks = self._guesses(opened)
            woken = self._store.wait_for_work(cursor, self._linger, asks, self._wanted(asks))
            guessed = dict.fromkeys(ask.name for ask in asks)
            self._rounds |= guessed
            done = self._granted(asks, woken.visit)
            cursor, opened = woken.cursor, list(filter(self._serves, woken.names))
            if not opened and not done:
                break
            fresh = [name for name in opened if name not in guessed]

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

    def _guesses(self, opened: Sequence[RoundName]) -> list[Ask]:
        """Ask for slaves of the rounds that will likely be open next."""
        names = filter(self._serves, self._run.following(opened))
        return [self._claims.ask(name, with_task=True) for name in names]

    def _wanted(self, asks: Sequence[Ask]) -> set[str]:
        """Name the artifacts to fetch beside claims of rounds that are not known yet."""
        return {name for ask in asks if ask.with_task for name in self._run.likely(ask.name)}

    def _note(self, names: Sequence[RoundName]) -> None:
        for name in names:
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

    def _drain(self, done: list[Done]) -> bool:
        """Go back and forth until no known round has a slave left; tell if any was worked for.

        It begins with handing in what is done already.
        """
        claimed = False
        while True:
            asks = [] if self._context.stopping() else self._asks()
            if not asks and not done:
                return claimed
            handed = [one.handed() for one in done]
            if not self._noted(done, handed):
                done, handed = [], []
            every = [one for some in handed for one in some]
            visit = self._store.visit(every, asks, self._wanted(asks))
            queue = iter(visit.submissions)
            rest = [
                self._answered(one, some, list(islice(queue, len(some))))
                for one, some in zip(done, handed, strict=True)
            ]
            done = [one for one in rest if one is not None]
            done += self._granted(asks, visit)
            claimed = claimed or bool(done)

    def _noted(self, done: Sequence[Done], handed: Sequence[Sequence[Handed]]) -> bool:
        """Record what is to be handed in; say whether it may leave, and report it if not."""
        names = [one.claim.name for one in done]
        try:
            self._context.gate.note(self._run.run_id, zip(names, handed, strict=True))
        except JournalError:
            for one in done:
                for slave in one.updates.slaves:
                    self._labour.fail(one.claim, slave)
            return False
        return True

    def _granted(self, asks: Sequence[Ask], visit: Visit) -> list[Done]:
        """Work for those who were claimed; return what is to be handed in."""
        self._run.keep(visit.artifacts)
        done: list[Done] = []
        for ask, claim in zip(asks, visit.claims, strict=True):
            if claim is None or not claim.slaves:
                self._forget(ask.name)
            else:
                # A claim attaches its worker, and lasts as long as that is prolonged.
                self._attached = True
                self._claims.granted(ask, claim)
                done += self._work(claim)
                if not claim.left:
                    # Whoever is listed again is told of anew.
                    self._forget(claim.name)
        return done

    def _forget(self, name: RoundName) -> None:
        """Ask for nobody of a round any more, until it is told of again."""
        self._rounds.pop(name, None)
        self._claims.emptied(name)

    def _asks(self) -> list[Ask]:
        """Ask for slaves of all known rounds, and for the tasks of those not read yet."""
        rounds = self._rounds.items()
        return [self._claims.ask(name, with_task=known is None) for name, known in rounds]

    def _work(self, claim: Claim) -> list[Done]:
        """Work for claimed slaves; return what is to be handed in, if the round goes on."""
        known = self._rounds.get(claim.name)
        if known is not None and known[0] != claim.epoch:
            # It is given the same slaves again, with the task.
            self._rounds[claim.name] = None
            return []
        try:
            try:
                exchange, task = self._exchange(claim)
            except (ArtifactGoneError, RedisError, RunReplacedError):
                raise
            except Exception:
                # Nobody's rows are to blame, and yet nobody can be worked for here.
                for slave in claim.slaves:
                    self._labour.fail(claim, slave)
                return []
            started = self._clock()
            done = self._labour.contribute(claim, exchange, task, claim.slaves)
        except ArtifactGoneError:
            self._rounds.pop(claim.name, None)
            return []
        seconds = (self._clock() - started) / len(claim.slaves)
        self._claims.took(claim.name.kind, seconds)
        # Under masks what a slave tells of itself is nothing.
        return done if self._run.config.secure else [one.timed(1000 * seconds) for one in done]

    def _exchange(self, claim: Claim) -> tuple[Exchange, Mapping[str, str]]:
        known = self._rounds.get(claim.name)
        if known is None:
            known = claim.epoch, self._run.exchange(claim.name, claim.task), claim.task
            self._rounds[claim.name] = known
        return known[1:]

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
