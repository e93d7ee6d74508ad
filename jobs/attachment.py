"""A job's stay with a run: it serves slaves round after round, and leaves when idle.

The job that a master enqueues is only a wake-up. Once here, a worker drains the ID list of each
open round (claim, work, submit, claim the next), then waits a little for the next round, so
that a run costs a few jobs, not a few a round.
"""

from __future__ import annotations

import logging
import resource
import socket
import threading
import time
import traceback
from collections import deque
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from fedredis.jobs import evaluate, statistics, train
from fedredis.jobs.heartbeat import Heartbeat
from fedredis.jobs.naming import job_kind
from fedredis.jobs.task import Task
from fedredis.jobs.view import ArtifactGoneError
from fedredis.keys import Kind, Label

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fedredis.jobs.context import WorkerContext
    from fedredis.jobs.task import Contribution
    from fedredis.jobs.view import RunView
    from fedredis.store.slave import Claim

logger = logging.getLogger("fedredis.worker")

#: Seconds that a job waits for the next round before it leaves the worker to others.
LINGER = 1.0
#: Seconds after which a job leaves between two rounds all the same, so that RQ sees it end.
LONGEST_STAY = 60.0
#: How many slaves a worker names when it claims one that it has worked for before.
MOST_WISHES = 8

CONTRIBUTE: dict[Kind, Callable[[Task], Contribution]] = {
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
        self._fields: Mapping[str, str] = {}
        self._fields_of: Label | None = None
        #: Whom this worker has worked for, by kind of round: this time, and the time before.
        self._served: dict[Kind, list[str]] = {k: [] for k in Kind}
        self._before: dict[Kind, list[str]] = {k: [] for k in Kind}
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
                for slave in claim.slaves:
                    self._work(claim, slave)
            finally:
                self._claim = None

    def _claim_next(self, label: Label) -> Claim | None:
        if label != self._fields_of:
            fields = self._store.round_fields(label)
            if not fields:
                return None
            self._fields, self._fields_of = fields, label
            self._before[label.kind] = self._served[label.kind]
            self._served[label.kind] = []
        held = self._context.card.slaves
        if held is not None:
            return self._store.claim(label, held, take_any=False)
        wishes = self._before[label.kind][:MOST_WISHES]
        return self._store.claim(label, wishes, take_any=True)

    def _work(self, claim: Claim, slave: str) -> None:
        label = claim.label
        self._served[label.kind].append(slave)
        if slave in self._before[label.kind]:
            self._before[label.kind].remove(slave)
        task = Task(label, slave, self._run, self._fields, self._context.inputs)
        try:
            contribution = CONTRIBUTE[label.kind](task)
            blob = contribution.schema.encode(contribution.arrays)
        except ArtifactGoneError:
            return
        except RedisError:
            raise
        except Exception:
            logger.exception("slave %s failed in round %s", slave, label)
            self._store.fail(
                claim,
                slave,
                attempts=self._run.config.attempts,
                traceback=traceback.format_exc(),
            )
            return
        facts = {**contribution.facts, **_whereabouts(self._context.card.name)}
        result = self._store.submit(claim, slave, contribution.samples, blob, facts)
        logger.debug("slave %s, round %s: %s", slave, label, result.name)
        if result.name.startswith("COUNTED"):
            self.counted[label.kind] = self.counted.get(label.kind, 0) + 1


def _whereabouts(worker: str) -> dict[str, str]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "worker": worker,
        "host": socket.gethostname(),
        "cpu_s": f"{usage.ru_utime + usage.ru_stime:.2f}",
        "memory_mb": f"{usage.ru_maxrss / 1024:.0f}",
    }
