"""Names of queues, workers and jobs in RQ, and the version that workers tell.

A queue's name starts all that belongs to it, so that an access rule can fence a slave in.
"""

from __future__ import annotations

import hashlib
import secrets
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Of which fedredis this is, which is alike where work is done together.
VERSION = version("fedredis")


def queue_name(dataset: str, slaves: Sequence[str] | None) -> str:
    """Name the queue of the workers that hold these slaves' data; None: all of the data set's."""
    name = f"fedredis-{dataset}"
    if slaves is None:
        return name
    if len(slaves) == 1:
        return f"{name}-slave-{slaves[0]}"
    digest = hashlib.sha256(" ".join(slaves).encode()).hexdigest()[:8]
    return f"{name}-{len(slaves)}-slaves-{digest}"


def worker_name(queue: str) -> str:
    """Make a worker's name; the random end is there because a killed worker blocks its name."""
    return f"{queue}-{secrets.token_hex(4)}"


def queue_of(worker: str) -> str:
    """Tell a worker's queue from its name."""
    return worker.rpartition("-")[0]


def jobs_of(queue: str) -> str:
    """Start the ids of the jobs on a queue, and of those on no other queue."""
    return _ended(queue)


def _ended(name: str) -> str:
    """Write a name so that none which is written so starts another one.

    RQ takes letters, digits, dashes and underscores. A name's underscore is written ``_u``, its
    dot ``_d``, and two underscores end it, which no name has in it then.
    """
    return name.replace("_", "_u").replace(".", "_d") + "__"


def function_name(job: str) -> str:
    """Name what a kind of job runs, as rq-dashboard shows it."""
    return f"fedredis.jobs.{job}"


def job_prefix(queue: str, run_id: str) -> str:
    """Start the ids of a run's jobs on a queue, and of those of no other run."""
    return f"{jobs_of(queue)}{_ended(run_id)}"


def job_id(queue: str, run_id: str, job: str) -> str:
    """Make a job's id."""
    return f"{job_prefix(queue, run_id)}{job}_{secrets.token_hex(4)}"


def run_and_kind(queue: str, job: str) -> tuple[str, str] | None:
    """Tell from a job's id the run and the kind of a job on a queue; None for another one's."""
    name, _, rest = job.removeprefix(jobs_of(queue)).partition("__")
    if not (job.startswith(jobs_of(queue)) and name and rest):
        return None
    return name.replace("_d", ".").replace("_u", "_"), rest.rpartition("_")[0]
