"""What a strategy must offer. It works on arrays and knows neither Redis nor RQ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fedredis.codec import Arrays


class Strategy(Protocol):
    """How the global model moves, given what came back from the slaves."""

    def aggregate(self, current: Arrays, total: Arrays, samples: int) -> Arrays:
        """Return the next global parameters.

        `total` is the sum over the slaves, in the order of their ids, of each one's parameters
        times its number of rows; `samples` is the sum of those numbers.
        """
