"""Stopping runs, from anywhere."""

from __future__ import annotations

import time

from fedredis.api import events
from fedredis.api.session import PathLike, session
from fedredis.arguments import checked
from fedredis.config import check_name
from fedredis.errors import FedredisError
from fedredis.store import asking, runs

#: Seconds that a master has to stop: it may be in the midst of adding up a round.
STOPS_WITHIN = 60.0
#: Seconds between two looks while nothing happens.
LOOK = 2.0


@checked
def stop(run: str, *, redis_url: str | None = None, home: PathLike = ".fedredis") -> str:
    """Have the master of a run stop, and wait until it has; return the run's status then.

    It ends as with Ctrl-C: what is committed stays, and `resume` goes on with the run, to the
    same bits.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    FedredisError
        If no master drives it, or its master does not stop, or Redis can't be reached.
    """
    check_name(run, "run")
    with session(redis_url, home) as opened:
        client, deadline = opened.client, time.monotonic() + STOPS_WITHIN
        seen = events.newest(client, run)
        asking.stop(client, run)
        while (status := runs.read(client, run).status) == "running":
            left = deadline - time.monotonic()
            if left <= 0:
                raise FedredisError(f"run {run} is asked to stop, and its master has not yet")
            for event in events.since(client, run, seen, seconds=min(left, LOOK)):
                seen = event.id
        return status
