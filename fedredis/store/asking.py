"""What somebody else asks of a run's master."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.errors import FedredisError, RunNotFoundError
from fedredis.keys import RunKeys
from fedredis.store.scripts import call

if TYPE_CHECKING:
    from redis import Redis


def stop(client: Redis, run: str) -> None:
    """Ask the master that drives a run to stop; it does so at once, and can be resumed.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    FedredisError
        If no master drives it.
    """
    keys = RunKeys(run)
    asked = call(client, f"run {run}", "stop", [keys.run, keys.lease, keys.events], [])
    if asked == -1:
        raise RunNotFoundError(f"there is no run {run}: `fedredis runs` lists them")
    if asked == 0:
        raise FedredisError(f"no master drives run {run}: there is nothing to stop")
