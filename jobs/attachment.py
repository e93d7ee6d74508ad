"""A job's stay with a run: it serves slaves round after round, and leaves when idle.

The job that a master enqueues is only a wake-up. Once here, a worker drains the ID list of each
open round (claim, work, submit, claim the next), then waits a little for the next round, so
that a run costs a few jobs, not a few a round.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from fedredis.jobs import evaluate, statistics, train
from fedredis.jobs.heartbeat import Heartbeat
from fedredis.jobs.task import Contributions, Task
from fedredis.jobs.view import ArtifactGoneError
from fedredis.keys import Kind, Label, job_kind
from fedredis.store.results import Submission

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fedredis.jobs.context import WorkerContext
    from fedredis.jobs.view import RunView
    from fedredis.store.slave import Claim

logger = logging.getLogger("fedredis.worker")

#: Seconds that a job waits for the next round before it leaves the worker to others.
LINGER = 1.0
#: Seconds after which a job leaves between two rounds all the same, so that RQ sees it end.
LONGEST_STAY = 60.0
#: Seconds of work that are worth a round trip, and that a claim takes at most where it can tell.
SHORTEST_WORK, LONGEST_WORK = 0.003, 0.1
#: How many slaves a claim takes at most.
MOST_SLAVES = 256
#: Bytes of small updates to hand in at once.
SUBMIT_BYTES = 4_000_000

CONTRIBUTE: dict[Kind, Callable[[Task], Contributions]] = {
    Kind.STATISTICS: statistics.contribute,
    Kind.TRAIN: train.contribute,
    Kind.EVALUATE: evaluate.contribute,
}


def serve(context: WorkerContext, run_id: str, kind: Kind) -> dict[str, Any]:
    """Stay with a run; return what was done, which RQ keeps as the job's result."""
    run = context.view(run_id)
    attachment = Attachment(context, run, kind)
    with Heartbeat(attachment.beat, run.config.lease_ms / 3000):
        attachment.stay()
    return {"worker": context.card.name, "counted": attachment.counted}


class Attachment:
    """One worker's stay with one run for one kind of job."""

    def __init__(
        self,
        context: WorkerContext,
        run: RunView,
        kind: Kind,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context, self._run, self._kind, self._clock = context, run, kind, clock
        self._store = run.store
        #: Held while the attachment is said or taken back, which two threads do.
        self._lock = threading.Lock()
        self._attached = False
        self._leave_at = clock() + LONGEST_STAY
        #: Rounds that may have something to claim, oldest first.
        self._rounds: deque[Label] = deque()
        self._claim: Claim | None = None
        #: The hash of the round at hand.
        self._fields: Mapping[str, str] = {}
        self._fields_of: Label | None = None
        #: Whom this worker has worked for, by kind of round: this time, and the time before.
        self._served: dict[Kind, list[str]] = {k: [] for k in Kind}
        self._before: dict[Kind, list[str]] = {k: [] for k in Kind}
        #: Seconds that a slave takes, by kind of round, as last seen.
        self._seconds: dict[Kind, float] = {}
        #: Updates counted, by kind of round.
        self.counted: dict[str, int] = {}

    def beat(self) -> None:
        """Prolong what this worker holds."""
        with self._lock:
            if self._attached:
                self._store.attach(self._kind)
        claim = self._claim
        if claim:
            self._store.renew(claim.label, claim.slaves)

    def stay(self) -> None:
        """Serve open rounds until there is no work for a while."""
        self._attach()
        state = self._store.open_rounds()
        while True:
            self._rounds.extend(filter(self._serves, state.labels))
            self._drain()
            if self._should_leave():
                break
            state = self._store.wait_for_work(state.cursor, LINGER)
            if not any(map(self._serves, state.labels)):
                break
        # Said before the last look: a master that opens a round after it counts this worker out.
        self._detach()
        self._rounds.extend(filter(self._serves, self._store.open_rounds().labels))
        self._drain()

    def _attach(self) -> None:
        with self._lock:
            self._store.attach(self._kind)
            self._attached = True

    def _detach(self) -> None:
        with self._lock:
            self._store.detach(self._kind)
            self._attached = False

    def _serves(self, label: Label) -> bool:
        return job_kind(label, self._run.config.rounds) is self._kind

    def _should_leave(self) -> bool:
        return (
            self._context.stopping()
            or self._clock() > self._leave_at
            or self._context.others_wait(self._run.run_id)
        )

    def _drain(self) -> None:
        """Serve slaves until no known round has one left to claim."""
        while self._rounds and not self._context.stopping():
            label = self._rounds[0]
            claim = self._claim_next(label)
            if claim is None or not claim.slaves:
                self._rounds.popleft()
                continue
            self._claim = claim
            try:
                self._work(claim)
            finally:
                self._claim = None

    def _claim_next(self, label: Label) -> Claim | None:
        if label != self._fields_of:
            fields = self._store.task_of(label)
            if not fields:
                return None
            self._fields, self._fields_of = fields, label
            self._before[label.kind] = self._served[label.kind]
            self._served[label.kind] = []
        held = self._context.card.slaves
        before = self._before[label.kind]
        least, most = self._worth_a_trip(label.kind)
        claim = self._store.claim(
            label,
            before[:most] if held is None else held,
            attached=self._kind,
            take_any=held is None,
            least=least,
            most=most,
        )
        if claim:
            self._served[label.kind] += claim.slaves
            taken = set(claim.slaves)
            self._before[label.kind] = [slave for slave in before if slave not in taken]
        return claim

    def _worth_a_trip(self, kind: Kind) -> tuple[int, int]:
        """Tell how many slaves to claim at least and at most, from how long one takes."""
        seconds = self._seconds.get(kind)
        if seconds is None:
            return 1, 1
        seconds = max(seconds, 1e-6)
        least, most = (int(work / seconds) for work in (SHORTEST_WORK, LONGEST_WORK))
        return min(max(least, 1), MOST_SLAVES), min(max(most, 1), MOST_SLAVES)

    def _work(self, claim: Claim) -> None:
        started = self._clock()
        try:
            contributions = self._contribute(claim, claim.slaves)
        except ArtifactGoneError:
            # The round is over; its master has moved on.
            return
        self._seconds[claim.label.kind] = (self._clock() - started) / len(claim.slaves)
        self._submit(claim, contributions)

    def _contribute(self, claim: Claim, slaves: Sequence[str]) -> Contributions:
        """Do the slaves' work; those that fail are reported, the others' is returned."""
        task = Task(claim.label, slaves, self._run, self._fields, self._context.inputs)
        try:
            return CONTRIBUTE[claim.label.kind](task)
        except (ArtifactGoneError, RedisError):
            raise
        except Exception:
            if len(slaves) > 1:
                # One by one, so that a slave that fails takes no other with it.
                each = [self._contribute(claim, [slave]) for slave in slaves]
                done = next((work for work in each if work.updates), each[0])
                return replace(done, updates=[u for work in each for u in work.updates])
            logger.exception("slave %s failed in round %s", slaves[0], claim.label)
            self._store.fail(
                claim,
                slaves[0],
                attempts=self._run.config.attempts,
                traceback=traceback.format_exc(),
            )
            return Contributions.none()

    def _submit(self, claim: Claim, work: Contributions) -> None:
        kind, schema = claim.label.kind, work.schema
        size = 1 if schema.large else max(1, SUBMIT_BYTES // max(1, schema.nbytes))
        for first in range(0, len(work.updates), size):
            batch = work.updates[first : first + size]
            for result in self._store.submit(claim, batch, work.facts):
                logger.debug("round %s: %s", claim.label, result.name)
                if result in (Submission.COUNTED, Submission.COUNTED_LAST):
                    self.counted[kind] = self.counted.get(kind, 0) + 1
