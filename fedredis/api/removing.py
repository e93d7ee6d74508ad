"""Deleting runs."""

from __future__ import annotations

import secrets

from fedredis.api.session import PathLike, session
from fedredis.arguments import checked
from fedredis.config import check_name
from fedredis.store import removal


@checked
def remove(run: str, *, redis_url: str | None = None, home: PathLike = ".fedredis") -> int:
    """Delete a run, with its model and its history; return how many keys of Redis it had.

    Partitions that were cut for it stay: other runs may use them.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    LeaseHeldError
        If it is going on.
    FedredisError
        If Redis can't be reached.
    """
    check_name(run, "run")
    with session(redis_url, home) as opened:
        return removal.remove(opened.client, run, token=secrets.token_hex(8))
