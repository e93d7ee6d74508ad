"""Names of queues, workers and jobs in RQ.

A queue's name starts all that belongs to it, so that an access rule can fence a slave in.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedredis.data.manifest import Manifest
    from fedredis.keys import Kind


def queue_name(dataset: str, slaves: Sequence[str] | None) -> str:
    """Name the queue of the workers that hold these slaves' data; None: all of the data set's."""
    name = f"fedredis-{dataset}"
    if slaves is None:
        return name
    if len(slaves) == 1:
        return f"{name}-slave-{slaves[0]}"
    digest = hashlib.sha256(" ".join(slaves).encode()).hexdigest()[:8]
    return f"{name}-{len(slaves)}-slaves-{digest}"


def queue_for(manifest: Manifest, held: Sequence[int]) -> str:
    """Name the queue of the workers of a folder that holds these slaves' files."""
    slaves = None if len(held) == manifest.slaves else [str(slave) for slave in held]
    return queue_name(manifest.dataset, slaves)


def worker_name(queue: str) -> str:
    """Make a worker's name; the random end is there because a killed worker blocks its name."""
    return f"{queue}-{secrets.token_hex(4)}"


def queue_of(worker: str) -> str:
    """Tell a worker's queue from its name."""
    return worker.rpartition("-")[0]


def job_prefix(queue: str, run_id: str) -> str:
    """Start the ids of a run's jobs on a queue."""
    return f"{queue}_{run_id}_"


def job_id(queue: str, run_id: str, kind: Kind) -> str:
    """Make a job's id."""
    return f"{job_prefix(queue, run_id)}{kind}_{secrets.token_hex(4)}"
