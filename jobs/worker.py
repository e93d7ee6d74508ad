"""The worker: RQ's SimpleWorker with fedredis' allow-list, JSON only, one queue, a heartbeat."""

from __future__ import annotations

import logging
import os
import resource
import socket
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer
from rq.utils import as_text
from rq.worker import WorkerStatus

from fedredis.jobs.allowlist import AllowedJob
from fedredis.jobs.context import WorkerContext
from fedredis.jobs.heartbeat import Heartbeat
from fedredis.jobs.naming import job_prefix, queue_name, worker_name
from fedredis.store import workers
from fedredis.store.workers import WorkerCard

if TYPE_CHECKING:
    from redis import Redis
    from rq.job import Job

    from fedredis.jobs.inputs import Holding, Inputs

#: Seconds between two signs of life, well within what a master and RQ wait for.
HEARTBEAT = 5.0
#: Seconds within which an idle worker sees that its connection is gone, which a firewall may have
#: forgotten: RQ takes 15 off for how long it waits for a job, and has 10 more for the answer.
SEES_ITS_CONNECTION = 25


class FedredisWorker(SimpleWorker):
    """Runs fedredis' jobs in its own process, and shows that it is alive while it does."""

    job_class = AllowedJob
    #: Seconds that RQ lets pass at most before it looks for a server that was away.
    max_connection_wait_time = 5.0

    def __init__(
        self,
        client: Redis,
        rq_client: Redis,
        card: WorkerCard,
        inputs: Inputs,
        models: frozenset[str] = frozenset(),
    ) -> None:
        """Serve one queue; `client` is for fedredis' own keys, `rq_client` for RQ's.

        `models` are those of users' own that it may import.
        """
        queue = Queue(
            card.queue,
            connection=rq_client,
            serializer=JSONSerializer,
            job_class=AllowedJob,
        )
        # One queue, so that RQ takes jobs with BLMOVE and loses none.
        super().__init__(
            [queue],
            name=card.name,
            connection=rq_client,
            serializer=JSONSerializer,
            log_job_description=False,
            worker_ttl=SEES_ITS_CONNECTION,
        )
        self._client, self._card = client, card
        self.context = WorkerContext(
            client=client,
            card=card,
            inputs=inputs,
            stopping=lambda: self._stop_requested,
            others_wait=self._others_wait,
            models=models,
        )

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a job with this worker's context at hand."""
        if isinstance(job, AllowedJob):
            job.context = self.context
        super().execute_job(job, queue)

    def work(self, *args: Any, **kwargs: Any) -> bool:
        """Announce this worker to masters, and serve the queue until asked to stop."""
        with ExitStack() as ending:
            ending.callback(workers.leave, self._client, self._card.name)
            # Before signals are listened to: their exceptions would break a thread that starts.
            ending.enter_context(Heartbeat(self._beat, HEARTBEAT))
            # RQ listens to them only once it has started: who is announced has to leave.
            self._install_signal_handlers()  # type: ignore[no-untyped-call]
            try:
                workers.join(self._client, self._card)
                return bool(super().work(*args, **kwargs))
            except StopRequested:
                self.teardown()  # type: ignore[no-untyped-call]
        return False

    def _shutdown(self) -> None:
        """Remember that a stop was asked for, whatever becomes of the exception that says so."""
        self._stop_requested = True
        super()._shutdown()  # type: ignore[no-untyped-call]

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Show that this worker is alive; before it waits for a job, see that it is to go on.

        RQ asks a worker to stop by an exception in a signal handler, and some of the code that it
        may come up in (registry maintenance, finalisers) swallows exceptions.
        """
        if self._stop_requested and self.get_state() == WorkerStatus.IDLE:
            raise StopRequested
        super().heartbeat(timeout, pipeline)

    def run_maintenance_tasks(self) -> None:
        """Let RQ clean up; then see that this worker is to go on."""
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call]
        if self._stop_requested:
            raise StopRequested

    def subscribe(self) -> None:
        """Listen to no channel: RQ would take commands there from whoever can publish."""

    def _beat(self) -> None:
        workers.announce(self._client, self._card, _vitals())
        # SimpleWorker itself sends no heartbeat while a job runs.
        for execution in list(self.executions.values()):
            self.maintain_heartbeats(execution.job, execution)

    def _others_wait(self, run_id: str) -> bool:
        queue = self.queues[0]
        first = queue.connection.lindex(queue.key, 0)
        mine = job_prefix(queue.name, run_id)
        return first is not None and not as_text(first).startswith(mine)


def make_card(holding: Holding) -> WorkerCard:
    """Describe a worker of this process that acts for the slaves whose rows it holds."""
    manifest, slaves = holding.manifest, holding.slaves
    queue = queue_name(manifest.dataset, slaves)
    return WorkerCard(
        name=worker_name(queue),
        host=socket.gethostname(),
        pid=os.getpid(),
        queue=queue,
        dataset=manifest.dataset,
        manifest=manifest.to_json(),
        slaves=slaves,
    )


def _vitals() -> dict[str, str]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "cpu_s": f"{usage.ru_utime + usage.ru_stime:.2f}",
        # Kilobytes, but on macOS bytes.
        "memory_mb": f"{usage.ru_maxrss / (1 << (20 if sys.platform == 'darwin' else 10)):.0f}",
    }


def quiet_logs() -> None:
    """Let workers report warnings only; RQ logs each job otherwise."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    for name in ("rq.worker", "rq.job", "rq.queue"):
        logging.getLogger(name).setLevel(logging.WARNING)
