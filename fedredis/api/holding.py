"""The lease of a run between its creation, or its resumption, and the moment it is driven."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from fedredis.api.driver import Driver
from fedredis.jobs.heartbeat import Heartbeat
from fedredis.rounds.beginning import Beginning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fedredis.api.request import Request
    from fedredis.api.session import Session


@contextmanager
def lent(
    session: Session, request: Request, run: str, lease_ms: int, token: str, **about: Any
) -> Iterator[Driver]:
    """Lend what drives a run, and hold its lease until it does: all see that somebody is about to.

    `about` are the other fields of the `Driver`, but for the time until then.
    """
    beginning = Beginning(session.client, run, token, lease_ms)
    with ExitStack() as stack:
        stack.enter_context(Heartbeat(beginning.hold, lease_ms / 3000))
        yield Driver(session, request, run, beginning=beginning, begins=stack.close, **about)
