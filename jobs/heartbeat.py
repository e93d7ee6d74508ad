"""Something done again and again beside the work of a thread, until the work is over."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Self

from redis.exceptions import RedisError

from fedredis.errors import FedredisError

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("fedredis.heartbeat")


class Heartbeat:
    """Calls `beat` every `seconds` in a thread of its own while the context lasts.

    A beat that fails, as when Redis does not answer, is logged and left out: the next may not.
    """

    def __init__(self, beat: Callable[[], None], seconds: float) -> None:
        self._beat, self._seconds = beat, seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def _run(self) -> None:
        while not self._over.wait(self._seconds):
            try:
                self._beat()
            except (RedisError, FedredisError) as error:
                logger.warning("heartbeat left out: %s", error)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._over.set()
        self._thread.join()
