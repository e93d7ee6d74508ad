"""The lease of a run between its creation, or its resumption, and the moment it is driven."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from fedredis.jobs.heartbeat import Heartbeat
from fedredis.rounds.beginning import Beginning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redis import Redis


@contextmanager
def held(
    client: Redis, run: str, token: str, lease_ms: int
) -> Iterator[tuple[Beginning, Callable[[], None]]]:
    """Hold a run's lease until it is driven, so that all can see that somebody is about to.

    Lend the time until then, and what ends it.
    """
    beginning = Beginning(client, run, token, lease_ms)
    with ExitStack() as stack:
        stack.enter_context(Heartbeat(beginning.hold, lease_ms / 3000))
        yield beginning, stack.close
