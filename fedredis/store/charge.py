"""Being in charge of a run: what a master is told, and whether it can be true."""

from __future__ import annotations

from typing import Any

from fedredis.errors import LeaseLostError, RunGoneError, StateLostError
from fedredis.store.results import FENCED, GONE


class Charge:
    """A master's count of what it has done, beside Redis' own.

    Every script of a master adds one to the run's `sequence` and answers it first. One that is not
    above the last one told shows that the server has started from an older copy of its data.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._sequence = 0

    def begin(self, sequence: int) -> None:
        """Start at a number."""
        self._sequence = sequence

    def told(self, reply: list[Any]) -> list[Any]:
        """Return what a script answers besides its number in the sequence.

        Raises
        ------
        LeaseLostError
            If another master has taken over.
        RunGoneError
            If the run is gone.
        StateLostError
            If it has gone back in time.
        """
        first, *rest = reply
        if first == FENCED and rest[0] >= self._sequence:
            raise LeaseLostError(
                f"another master has taken over {self._where}; this one has stopped"
            )
        if first == GONE:
            raise RunGoneError(
                f"{self._where} is gone from Redis: it was deleted, or the server was emptied, or "
                "replaced by one without it"
            )
        if first <= self._sequence:
            raise self.lost("it has gone back in time")
        self._sequence = first
        return rest

    def lost(self, how: str) -> StateLostError:
        """Say how it shows that data is lost."""
        return StateLostError(
            f"{self._where}: {how}: the server has lost its newest data; resume the run"
        )
