"""Every error that fedredis raises on purpose: one root, one exit code each.

The docstring is the default message; the command line prints the message as one line and ends
with ``exit_code``: 2 for what the caller got wrong, 1 for what failed on the way.
"""

from __future__ import annotations

import inspect

from fedredis.printable import printable


def reason(traceback: str) -> str:
    """Return the line that a traceback ends with, an error of these without its module."""
    lines = traceback.strip().splitlines() or ["no reason given"]
    return lines[-1].removeprefix(f"{__name__}.")


class FedredisError(Exception):
    """Something went wrong."""

    exit_code = 1

    def __init__(self, message: str | None = None) -> None:
        # A message names columns, classes and paths, which somebody else has written.
        said = message or inspect.getdoc(type(self)) or type(self).__name__
        super().__init__(printable(str(said)))


class UsageError(FedredisError):
    """The call can't be carried out as it was given."""

    exit_code = 2

    def __init__(self, message: str | None = None, *, field: str = "") -> None:
        #: Name of the argument that is wrong, if it is one; the message goes on after it.
        self.field = field
        super().__init__(f"`{field}` {message}" if field else message)


class DataError(UsageError):
    """The data can't be used."""

    def __init__(
        self,
        problem: str,
        *,
        file: object = None,
        row: int | None = None,
        column: str | None = None,
    ) -> None:
        self.file, self.row, self.column = file, row, column
        place = [str(file)] if file is not None else []
        place += [f"row {row}"] if row is not None else []
        place += [f"column '{column}'"] if column is not None else []
        super().__init__(f"{', '.join(place)}: {problem}" if place else problem)


class DataWarning(UserWarning):
    """The data can be used, though perhaps not as it is meant."""


class RunNotFoundError(UsageError):
    """There is no such run."""


class BlobError(FedredisError):
    """These bytes are not the arrays that were expected."""


class BoundError(FedredisError):
    """A quantity is larger than the sum that it is part of has room for."""


class RuleError(FedredisError):
    """A slave does not do what it is asked, since a rule of its owner's or of masks forbids it."""

    def __init__(self, rule: str, why: str) -> None:
        #: The rule's name, as in a policy file.
        self.rule = rule
        super().__init__(f"refused by the rule '{rule}': {why}")


class JournalError(FedredisError):
    """What a slave has to write down on its own disk, before it does anything, can't be."""


class UpdateRefusedError(FedredisError):
    """A slave's update can't be counted."""


class StopRequestedError(FedredisError):
    """The run's master was asked to stop."""


class StateLostError(FedredisError):
    """The server has lost its newest data."""


class ArtifactGoneError(FedredisError):
    """What a round is to be worked with is gone: its master has moved on."""


class RunReplacedError(FedredisError):
    """A run was removed, and there is another one by its name."""


class RedisUnavailableError(FedredisError):
    """Redis can't be reached."""


class ServerError(FedredisError):
    """The embedded server did not start."""


class PortTakenError(FedredisError):
    """Nobody can listen at this port."""


class LeaseHeldError(FedredisError):
    """Another master is driving this run."""


class RunGoneError(FedredisError):
    """The run is gone from Redis."""


class LeaseLostError(FedredisError):
    """Another master has taken over this run; this one has stopped."""


class RoundFailedError(FedredisError):
    """A round can't be completed."""


class WorkersEndError(FedredisError):
    """Workers end as soon as they are started."""


class WaitTimeoutError(FedredisError):
    """The slaves that the run needs did not come."""
