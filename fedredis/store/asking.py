"""What somebody else asks of a run's master."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.errors import RunNotFoundError
from fedredis.keys import RunKeys
from fedredis.store.replies import text
from fedredis.store.scripts import call

if TYPE_CHECKING:
    from redis import Redis


def stop(client: Redis, run: str, meant: str = "") -> str:
    """Ask the master that drives a run to stop; return its token, or nothing if there is none.

    It does so at once, and the run can be resumed. To be asked twice makes no difference; `meant`
    is the token of the one who was asked before, so that no other is.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    """
    keys = RunKeys(run)
    touched = [keys.run, keys.lease, keys.events]
    asked, token = call(client, f"run {run}", "stop", touched, [meant])
    if asked == -1:
        raise RunNotFoundError(f"there is no run {run}: `fedredis runs` lists them")
    return text(token)
