"""Sending workers to a run: at most as many RQ jobs as there are workers to serve it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rq import Queue
from rq.serializers import JSONSerializer

from fedredis.jobs.allowlist import AllowedJob
from fedredis.jobs.naming import VERSION, function_name, job_id, job_prefix, queue_name, queue_of
from fedredis.store import workers
from fedredis.store.replies import texts
from fedredis.store.scripts import ask
from fedredis.store.shared import keep

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from redis import Redis

    from fedredis.config import RunConfig
    from fedredis.keys import RoundName
    from fedredis.store.master import MasterStore

#: Seconds that a job which has left the queue has to begin its stay with the run.
ON_ITS_WAY = 0.25
#: Seconds for which the list of workers is taken as it was.
WORKERS_KNOWN = 4.0
#: Seconds for which RQ keeps jobs that are over, to be looked at.
JOB_KEPT = 3600


class Dispatcher:
    """Enqueues jobs for a run's rounds, counting the workers that stay with it already."""

    def __init__(
        self,
        client: Redis,
        store: MasterStore,
        config: RunConfig,
        *,
        own_workers: int,
        revive: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        """`own_workers` were started by this master, and count before they announce themselves."""
        self._client, self._store, self._config = client, store, config
        self.workers, self._revive, self._clock = own_workers, revive, clock
        self._sent: list[tuple[float, str, str]] = []
        self._capacity: Counter[str] = Counter()
        self._looked = float("-inf")

    def __call__(self, name: RoundName, job: str, waiting: int, attached: Collection[str]) -> None:
        """Send workers to a round, which jobs of a kind serve, and that waits for some slaves.

        `attached` names the workers that stay with the run.
        """
        now = self._clock()
        self._revive()
        if now - self._looked >= WORKERS_KNOWN:
            self._looked = now
            self._look()
        at_it = Counter(map(queue_of, attached))
        self._sent = [sent for sent in self._sent if now - sent[0] < ON_ITS_WAY]
        coming = Counter(queue for _, sent, queue in self._sent if sent == job)
        for queue, capacity in self._capacity.items():
            wanted = min(capacity, waiting)
            there = max(at_it[queue], coming[queue])
            if there < wanted:
                there = max(there, at_it[queue] + self._queued(queue, job))
            if there < wanted:
                self._enqueue(queue, name, job, wanted - there)
                self._sent += [(now, job, queue)] * (wanted - there)

    def _look(self) -> None:
        of_run = set(self._config.slave_ids)
        self._capacity = Counter(
            card.queue
            for card in workers.present(self._client)
            # One of another version may count in another way.
            if card.version == VERSION
            and card.dataset == self._config.dataset
            and (card.slaves is None or of_run.intersection(card.slaves))
            # A stranger may have written the card, and RQ takes not everything for a queue's name.
            and card.queue == queue_name(card.dataset, card.slaves)
        )
        shared = queue_name(self._config.dataset, None)
        self._capacity[shared] = max(self._capacity[shared], self.workers)

    def _queued(self, queue: str, job: str) -> int:
        """Count this run's jobs of a kind that no worker has taken yet."""
        ours = f"{job_prefix(queue, self._store.keys.run_id)}{job}_"
        key = self._queue(queue).key
        # What slaves share of RQ's keys, and those of their own, may be spoilt by them.
        keep(self._client, {key: "list", Queue.redis_queues_keys: "set"})
        listed = ask(self._client, f"queue {queue}", "LRANGE", key, 0, -1)
        return sum(id_.startswith(ours) for id_ in texts(listed))

    def _queue(self, queue: str) -> Queue:
        return Queue(
            queue, connection=self._client, serializer=JSONSerializer, job_class=AllowedJob
        )

    def _enqueue(self, queue: str, name: RoundName, job: str, count: int) -> None:
        run_id = self._store.keys.run_id
        # All at once: workers that wait begin together.
        self._queue(queue).enqueue_many(
            Queue.prepare_data(
                func=function_name(job),
                kwargs={"run": run_id, "round": str(name)},
                description=f"run {run_id}: {job}, woken for {name}",
                job_id=job_id(queue, run_id, job),
                timeout=self._config.round_timeout_ms // 1000 + 120,
                result_ttl=JOB_KEPT,
                failure_ttl=24 * JOB_KEPT,
            )
            for _ in range(count)
        )
