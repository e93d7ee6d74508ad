"""The only functions that a job can make a worker run.

With any serializer, RQ runs whatever importable function a job names, and the job is written by
whoever can write to Redis. `AllowedJob` runs fedredis' own functions and refuses everything
else a job can carry: other names, methods of pickled instances, callbacks, and webhooks, which
would send requests to an address of the writer's choice.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from rq.exceptions import NoSuchJobError
from rq.job import Job

from fedredis.errors import FedredisError
from fedredis.exchanges import KINDS
from fedredis.jobs.naming import function_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from fedredis.jobs.context import WorkerContext


def _serve(context: WorkerContext, *, run: str, round: str, job: str) -> dict[str, Any]:  # noqa: A002
    """Stay with a run, whose `round` woke the worker up."""
    from fedredis.jobs.attachment import serve  # who enqueues jobs runs none

    return serve(context, run, job)


#: Job functions by the name under which RQ stores them: one for each kind of round. Their
#: arguments are names; weights and rows never pass through RQ.
ALLOWED: dict[str, Callable[..., Any]] = {
    function_name(kind): partial(_serve, job=kind) for kind in KINDS
}


#: What fedredis' own jobs say of themselves, and RQ of them; callbacks and webhooks are read to be
#: refused. Of anything else, such as retries, repeats and dependencies, nothing is read.
FIELDS = re.compile(
    "data|origin|description|status|worker_name|(created|enqueued|started|ended)_at"
    "|last_heartbeat|timeout|(result|failure)_ttl|(success|failure|stopped)_callback_name|webhooks"
)
#: Seconds that a job may run, or be kept, at most; RQ's arithmetic ends somewhere above.
LONGEST = 100_000_000


class NotAllowedError(FedredisError):
    """The job is not on the allow-list."""


class AllowedJob(Job):
    """A job that runs nothing but what is on the allow-list."""

    #: Set by the worker that is about to run the job.
    context: WorkerContext | None = None

    def restore(self, raw_data: Any) -> None:
        """Read what stands in Redis.

        Raises
        ------
        NoSuchJobError
            If it is no job as fedredis' own are: whatever raises anything else ends the worker.
        """
        known = {k: v for k, v in raw_data.items() if FIELDS.fullmatch(k.decode(errors="replace"))}
        try:
            super().restore(known)
            seconds = (self.timeout, self.result_ttl, self.failure_ttl)
        except Exception as error:
            raise NoSuchJobError(f"job {self.id} can't be read: {error}") from error
        if not all(value is None or 0 < value <= LONGEST for value in seconds):
            raise NoSuchJobError(f"job {self.id} is to last {seconds} seconds")

    @property
    def func(self) -> Callable[..., Any]:
        """The allowed function that the job names, bound to the worker's context.

        Raises
        ------
        NotAllowedError
            If the job asks for anything else.
        """
        function = ALLOWED.get(self.func_name or "")
        if function is None or self.instance:
            raise NotAllowedError(f"{self.func_name!r} is not on the allow-list")
        callbacks = (
            self._success_callback_name,
            self._failure_callback_name,
            self._stopped_callback_name,
        )
        if any(callbacks) or self.webhooks:
            raise NotAllowedError("callbacks and webhooks are not on the allow-list")
        return partial(function, self.context)

    @property
    def success_callback(self) -> None:
        """Never any."""

    @property
    def failure_callback(self) -> None:
        """Never any."""

    @property
    def stopped_callback(self) -> None:
        """Never any."""

    def send_webhooks(self, status: Any, *, exc_string: str | None = None) -> None:
        """Send nothing."""
