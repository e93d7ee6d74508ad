"""What scripts answer, as names."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from fedredis.errors import LeaseLostError

if TYPE_CHECKING:
    from fedredis.keys import RunKeys

#: What every script of a master answers when a later master has taken over.
FENCED = -2


class Submission(IntEnum):
    """What became of an update."""

    COUNTED = 1
    COUNTED_LAST = 2
    DUPLICATE = 3
    LATE = 4
    STALE = 5


class Failure(IntEnum):
    """What becomes of a slave whose attempt failed."""

    PUT_BACK = 1
    GIVEN_UP = 2
    LATE = 4
    STALE = 5


class Opening(IntEnum):
    """How a round was opened."""

    OPENED = 1
    ADOPTED = 2


class RoundState(IntEnum):
    """How a round stands."""

    OPEN = 1
    CLOSED = 0
    #: Too few updates at the deadline, or too many slaves given up.
    BELOW_QUORUM = -1


class Commit(IntEnum):
    """What became of a commit."""

    COMMITTED = 1
    DUPLICATE = 3
    STALE = 5


def unless_fenced(answer: int, keys: RunKeys) -> int:
    """Return a master's answer.

    Raises
    ------
    LeaseLostError
        If a later master has taken over the run.
    """
    if answer == FENCED:
        raise LeaseLostError(
            f"another master has taken over run {keys.run_id}; this one has stopped"
        )
    return answer
