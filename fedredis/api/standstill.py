"""A run in which nothing is committed any more: whom it waits for, told by its master."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from fedredis.errors import FedredisError
from fedredis.exchanges import KINDS
from fedredis.store import inflight

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from fedredis.store.inflight import OpenRound

#: Seconds without a committed round after which it is told whom the run waits for; then after
#: twice as many, and so on.
SILENT = 15.0
#: How many slaves a line names.
NAMED = 5

#: What is said of a slave, by the state that it is in.
STATES = {
    "unclaimed": "no worker",
    "claimed": "at work",
    "lost": "its worker is gone",
    "given up": "given up",
}


class Standstill:
    """Tells whom a run waits for when nothing has happened for a while."""

    def __init__(
        self, client: Redis, run: str, say: Callable[[str], None], clock: Callable[[], float]
    ) -> None:
        self._client, self._run, self._say, self._clock = client, run, say, clock
        self.moved()

    def moved(self) -> None:
        """Take note that a round was committed."""
        self._since, self._pause = self._clock(), SILENT

    def look(self) -> None:
        """Say whom the open rounds wait for, if it is time to."""
        if self._clock() - self._since < self._pause:
            return
        self._pause *= 2
        # What slaves have spoilt there is no reason to stop.
        with suppress(FedredisError):
            for found in inflight.open_rounds(self._client, self._run, KINDS):
                self._say(_waits(found))


def _waits(found: OpenRound) -> str:
    named = ", ".join(
        f"{slave} ({STATES[awaited.state]})"
        for slave, awaited in islice(found.awaited.items(), NAMED)
    )
    more = f" and {len(found.awaited) - NAMED} more" if len(found.awaited) > NAMED else ""
    return (
        f"{found.name} has been open for {found.open_ms / 1000:.0f} s: {found.arrived} of "
        f"{found.expected} slaves are in, it waits for {named or 'nobody'}{more}"
    )
