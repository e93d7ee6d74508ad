"""What happens in a run, sent to browsers as it happens (server-sent events)."""

from __future__ import annotations

import json
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request
from redis.exceptions import RedisError
from werkzeug.exceptions import ServiceUnavailable

from fedredis.api import events
from fedredis.config import check_name
from fedredis.errors import RunNotFoundError, UsageError
from fedredis.store.runs import read
from fedredis.web.site import site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fedredis.web.site import Site

#: Streams at once; each takes one of the server's threads.
MOST_STREAMS = 48
#: Seconds without an event after which a sign of life is sent.
QUIET = 5.0
#: What a browser is told before the first event: to try again after so many milliseconds.
HELLO = "retry: 2000\n\n"
#: Ends of a master's work.
ENDS = ("finished", "stopped", "failed")

blueprint = Blueprint("stream", __name__)
_free = BoundedSemaphore(MOST_STREAMS)


@blueprint.get("/api/runs/<run>/events")
def follow(run: str) -> Response:
    """Send the events of a run, from now on, or after the one that is named."""
    check_name(run, "run")
    here, after = site(), request.headers.get("Last-Event-ID") or request.args.get("after")
    if after and not all(part.isdecimal() and len(part) < 19 for part in after.split("-", 1)):
        raise UsageError("`after` is the id of an event, such as 1795493753776-0")
    launch, state = here.launches.of(run), None
    try:
        state = read(here.client, run)
    except RunNotFoundError:
        if launch is None:
            raise
    newest = events.newest(here.client, run)
    coming = launch is not None and launch.is_coming(newest)
    # Of one that has lost its master it is said to be running: somebody may go on with it.
    if not coming and after is None and not (state and state.going_on):
        # So that a browser does not ask again.
        return Response(status=204)
    if not _free.acquire(blocking=False):
        raise ServiceUnavailable("too many follow runs at once: try again later")
    answer = Response(
        _events(here, run, after or newest),
        mimetype="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )
    answer.call_on_close(_free.release)
    return answer


def _events(here: Site, run: str, seen: str) -> Iterator[str]:
    """Write events as they come, until the run ends or Redis goes away."""
    yield HELLO
    launch = here.launches.of(run)
    while True:
        try:
            happened = events.since(here.client, run, seen, seconds=QUIET)
        except RedisError:
            return
        for event in happened:
            seen = event.id
            yield f"id: {event.id}\ndata: {json.dumps(event.fields)}\n\n"
        if any(e.fields.get("type") in ENDS and "round" not in e.fields for e in happened):
            return
        if not happened:
            yield ": quiet\n\n"
            if launch is not None and launch.code is not None:
                yield f"data: {json.dumps({'type': 'ended'})}\n\n"
                return
