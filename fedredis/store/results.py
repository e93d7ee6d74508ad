"""What scripts answer, as names."""

from __future__ import annotations

from enum import IntEnum


class SubmissionState(IntEnum):
    """What became of a bundle."""

    COUNTED = 1
    LATE = 4
    #: Of an earlier epoch, or parts of it were lost on the way.
    STALE = 5
    #: Some of its slaves are in already; nothing of it was counted.
    OVERLAP = 6


class Failure(IntEnum):
    """What becomes of a slave whose attempt failed."""

    PUT_BACK = 1
    GIVEN_UP = 2
    LATE = 4
    STALE = 5


class RoundState(IntEnum):
    """How a round stands."""

    OPEN = 1
    CLOSED = 0
    #: Too few slaves in at the deadline, or too many given up.
    BELOW_QUORUM = -1


#: What every script of a master answers when a later master has taken over, or the run is gone.
FENCED, GONE = -2, -3
#: What `open_round` answers.
ADOPTED, NOT_OPENED = 2, 5
#: Why `commit` does not commit, which can only be if the server has lost data.
LOST = {
    5: "the round is gone",
    6: "the round is not closed",
    7: "others are in than were counted",
    8: "parts of what it came to are gone",
}
#: What `tend` answers for a round that is not there.
NO_ROUND = -5
