"""The worker: RQ's SimpleWorker with fedredis' allow-list, JSON only, one queue, a heartbeat."""

from __future__ import annotations

import logging
import os
import socket
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from rq import Queue, SimpleWorker
from rq.exceptions import DeserializationError, StopRequested
from rq.intermediate_queue import IntermediateQueue
from rq.serializers import JSONSerializer
from rq.utils import as_text, now
from rq.worker import WorkerStatus

from fedredis import logs
from fedredis.errors import FedredisError
from fedredis.jobs.allowlist import AllowedJob
from fedredis.jobs.context import WorkerContext
from fedredis.jobs.gate import Gate
from fedredis.jobs.heartbeat import Heartbeat
from fedredis.jobs.naming import VERSION, job_prefix, queue_name, worker_name
from fedredis.jobs.vitals import Meter
from fedredis.store import workers
from fedredis.store.shared import keep
from fedredis.store.workers import WorkerCard

if TYPE_CHECKING:
    from redis import Redis
    from rq.job import Job

    from fedredis.jobs.inputs import Holding, Inputs

#: What may end a worker; anything else in RQ comes of what a stranger has written to its keys.
_ENDS = (StopRequested, RedisConnectionError, RedisTimeoutError)
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
        gate: Gate | None = None,
    ) -> None:
        """Serve one queue; `client` is for fedredis' own keys, `rq_client` for RQ's.

        `models` are those of users' own that it may import; `gate` holds its slaves' keys, and
        to what is allowed.
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
        self._client, self._card, self._meter = client, card, Meter()
        self.context = WorkerContext(
            client=client,
            card=card,
            inputs=inputs,
            stopping=lambda: self._stop_requested,
            others_wait=self._others_wait,
            models=models,
            gate=gate or Gate(),
        )

    def register_birth(self) -> None:
        """Tell RQ of this worker, whatever another slave has put where all of them are listed."""
        listed = self.redis_workers_keys, Queue.redis_queues_keys
        keep(self._client, dict.fromkeys(listed, "set"))
        super().register_birth()  # type: ignore[no-untyped-call]

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a job with this worker's context at hand; what RQ makes of it ends no worker."""
        if isinstance(job, AllowedJob):
            job.context = self.context
        try:
            super().execute_job(job, queue)
        except _ENDS:
            raise
        except Exception as error:
            self.log.warning("job %s was left: %s", job.id, error)
            self.executions.clear()
            self.set_state(WorkerStatus.IDLE)

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Say in a line why a job was refused, or that there is nothing for it to do."""
        if isinstance(error := exc_info[1], FedredisError | DeserializationError):
            self.log.warning("job %s is over: %s", job.id, str(error) or "it can't be read")
        else:
            super().handle_exception(job, *exc_info)

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """Wait for a job; what is none is taken off the queue."""
        while True:
            try:
                return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
            except _ENDS:
                raise
            except Exception as error:
                if not self._put_away():
                    raise
                self.log.warning("what is no job was taken off the queue: %s", error)

    def _put_away(self) -> int:
        """Remove what can't be read from the list of jobs on their way; return how much it was."""
        queue, removed = self.queues[0], 0
        key = IntermediateQueue(queue.key, connection=self.connection).key
        listed: list[Any] = self.connection.lrange(key, 0, -1)
        for raw in listed:
            try:
                AllowedJob.fetch(raw.decode(), self.connection, JSONSerializer)
            except _ENDS:
                raise
            except Exception:
                removed += self.connection.lrem(key, 0, raw)
        return removed

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
        """Let RQ clean up, as far as it can; then see that this worker is to go on."""
        try:
            super().run_maintenance_tasks()  # type: ignore[no-untyped-call]
        except _ENDS:
            raise
        except Exception as error:
            self._put_away()
            self.last_cleaned_at = now()  # type: ignore[assignment]
            self.log.warning("RQ's maintenance was left out: %s", error)
        if self._stop_requested:
            raise StopRequested

    def subscribe(self) -> None:
        """Listen to no channel: RQ would take commands there from whoever can publish."""

    def _beat(self) -> None:
        workers.announce(self._client, self._card, self._vitals())
        # SimpleWorker itself sends no heartbeat while a job runs.
        for execution in list(self.executions.values()):
            self.maintain_heartbeats(execution.job, execution)

    def _vitals(self) -> dict[str, str]:
        used = self._meter.read()
        return {
            "cpu": f"{used.cpu:.4f}",
            "cpu_s": f"{used.cpu_s:.2f}",
            "memory_mb": f"{used.memory_mb:.0f}",
        }

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
        # Whose rows are which is for the folder alone: a card is small however many they are.
        manifest=replace(manifest, digests=()).to_json(),
        slaves=slaves,
        version=VERSION,
    )


def quiet_logs() -> None:
    """Let workers report warnings only; RQ logs each job otherwise."""
    if logs.asked_for():
        logs.start()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    for name in ("rq.worker", "rq.job", "rq.queue"):
        logging.getLogger(name).setLevel(logging.WARNING)
