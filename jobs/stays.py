"""Which run each worker is with, as RQ knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rq.executions import WORKER_EXECUTIONS_KEY_TEMPLATE

from fedredis.jobs.naming import run_and_kind
from fedredis.store.replies import text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redis import Redis


def stays_of(client: Redis, queues: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Tell the run and the kind of job of workers that are with one; `queues` is by name."""
    with client.pipeline(transaction=False) as pipeline:
        for name in queues:
            pipeline.smembers(WORKER_EXECUTIONS_KEY_TEMPLATE.format(name))
        executions = pipeline.execute(raise_on_error=False)
    found = {}
    for (name, queue), running in zip(queues.items(), executions, strict=True):
        for told in map(text, running if isinstance(running, set) else ()):
            if stay := run_and_kind(queue, told):
                found[name] = stay
    return found
