"""Deleting a run: every key of it, and its entry in the list of runs."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from fedredis import keys as names
from fedredis.errors import LeaseHeldError, RunNotFoundError
from fedredis.keys import RunKeys

if TYPE_CHECKING:
    from collections.abc import Collection

    from redis import Redis

#: Milliseconds that the run is held against masters while it is deleted.
HELD_MS = 60_000
#: Keys that are looked at, and deleted, in one call.
BATCH = 1000


def remove(client: Redis, run: str, *, token: str) -> int:
    """Delete a run; return how many keys it had. A deletion that was cut short can be repeated.

    `token` is what the run's lease is held with, so that no master takes it up meanwhile.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    LeaseHeldError
        If a master is driving it.
    """
    keys = RunKeys(run)
    if not client.exists(keys.run) and client.zscore(names.RUNS, run) is None:
        raise RunNotFoundError(f"there is no run {run}: `fedredis runs` lists them")
    if not client.set(keys.lease, token, nx=True, px=HELD_MS):
        raise LeaseHeldError(f"run {run} is going on: stop its master first, then delete it")
    kept = keys.run, keys.lease
    # Twice: a worker that has not heard of it may hand in, and then what is counted lies where a
    # run of the same name would look, until its round is gone.
    deleted = unlink(client, keys.run, but=kept) + unlink(client, keys.run, but=kept)
    with client.pipeline(transaction=True) as pipeline:
        # The run itself at the end: as long as it is listed, what is left of it can be deleted.
        pipeline.unlink(keys.run)
        pipeline.unlink(keys.lease)
        pipeline.zrem(names.RUNS, run)
        counted, *_ = pipeline.execute()
    return deleted + int(counted)


def unlink(client: Redis, start: str, *, but: Collection[str] = ()) -> int:
    """Delete the keys whose names have a start, but some; return how many there were."""
    pattern, kept = re.sub(r"([*?\[\]\\])", r"\\\1", start) + "*", {name.encode() for name in but}
    names_ = (key for key in client.scan_iter(match=pattern, count=BATCH) if key not in kept)
    deleted = 0
    while batch := list(islice(names_, BATCH)):
        deleted += int(client.unlink(*batch))
    return deleted
