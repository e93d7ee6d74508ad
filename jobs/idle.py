"""What a worker does while it waits for a round to open: work that asks for no model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Bytes that such work takes at most between two rounds; what it is for comes without it, too.
MOST_BYTES = 16_000_000
#: Seconds after which no more of it is begun: a master opens the next round in not much more.
MOST_SECONDS = 0.002


class Idle:
    """Work that was put off until there is nothing else to do."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._left = clock, MOST_BYTES
        self._waiting: list[Callable[[], None]] = []

    def add(self, do: Callable[[], None], nbytes: int) -> None:
        """Put work off that takes so many bytes, or leave it out if that is too much."""
        if nbytes <= self._left:
            self._left -= nbytes
            self._waiting.append(do)

    def work(self) -> None:
        """Do what there is time for, and forget the rest."""
        waiting, self._waiting, self._left = self._waiting, [], MOST_BYTES
        end = self._clock() + MOST_SECONDS
        for do in waiting:
            if self._clock() >= end:
                break
            do()
