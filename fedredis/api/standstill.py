"""A run in which nothing is committed any more: whom it waits for, told by its master."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from fedredis.api import waiting
from fedredis.errors import FedredisError
from fedredis.exchanges import KINDS
from fedredis.store import inflight

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

#: Seconds without a committed round after which it is told whom the run waits for; then after
#: twice as many, and so on.
SILENT = 15.0


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
                self._say(waiting.line(found))
