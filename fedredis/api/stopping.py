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
        if not (master := asking.stop(client, run)):
            raise FedredisError(f"no master drives run {run}: there is nothing to stop")
        heard = time.monotonic()
        while (state := runs.read(client, run)).going_on:
            now = time.monotonic()
            if now >= deadline:
                raise FedredisError(f"run {run} is asked to stop, and its master has not yet")
            # Again and again: the server may have lost it with its newest data. A master that is
            # there takes the lease anew.
            if asking.stop(client, run, master):
                heard = now
            elif now - heard > state.config.lease_ms / 1000 + LOOK:
                return "interrupted"
            for event in events.since(client, run, seen, seconds=min(deadline - now, LOOK)):
                seen = event.id
        return state.status
