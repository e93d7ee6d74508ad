"""What a run is at: its open rounds, whom they wait for, and since when. It only reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedredis import keys as names_
from fedredis.keys import RoundName, RunKeys
from fedredis.store.replies import fields, texts
from fedredis.store.scripts import Batch, ask

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from redis import Redis


@dataclass(frozen=True)
class Awaited:
    """A slave that an open round waits for, in one of four states.

    ``unclaimed``: no worker has taken it up; ``claimed``: a worker is at it; ``lost``: its worker
    is gone, as its lease has run out; ``given up``: after its last attempt.
    """

    state: str
    #: The worker that is at it, or was; empty if there was none.
    worker: str
    #: Milliseconds since the round was opened.
    since_ms: int


@dataclass(frozen=True)
class OpenRound:
    """A round on its way."""

    name: RoundName
    #: Milliseconds since it was opened, and until its deadline.
    open_ms: int
    left_ms: int
    expected: int
    arrived: int
    quorum: int
    #: Those who are missing, by id.
    awaited: dict[str, Awaited]


def interrupted(client: Redis, runs: Sequence[str]) -> set[str]:
    """Say which of some runs have no master: their lease is free."""
    batch = Batch(client, names_.RUNS)
    for run in runs:
        batch.add("EXISTS", RunKeys(run).lease)
    return {run for run, held in zip(runs, batch.run(), strict=True) if not held}


def open_rounds(client: Redis, run: str, jobs: Collection[str]) -> tuple[OpenRound, ...]:
    """Read the open rounds of a run, the oldest first; jobs of these kinds serve them.

    Raises
    ------
    FedredisError
        If one is damaged.
    """
    keys, where = RunKeys(run), f"run {run}"
    names = texts(ask(client, where, "ZRANGE", keys.open, 0, -1))
    read = (_open_round(client, keys, RoundName.parse(name), jobs) for name in names)
    return tuple(found for found in read if found)


def _open_round(
    client: Redis, keys: RunKeys, name: RoundName, jobs: Collection[str]
) -> OpenRound | None:
    """Read one; None if it has been closed meanwhile."""
    round_, batch = keys.round(name), Batch(client, f"run {keys.run_id}")
    batch.add("TIME")
    for key in (round_.round, round_.claims, round_.inside, round_.attempts):
        batch.add("HGETALL", key)
    batch.add("ZRANGE", round_.ids, 0, -1)
    for job in jobs:
        batch.add("ZRANGE", keys.attached(job), 0, -1)
    (seconds, micros), *hashes, ids = (replies := batch.run())[:6]
    now = int(seconds) * 1000 + int(micros) // 1000
    state, claims, inside, attempts = (fields(reply) for reply in hashes)
    if state.get("state") != "open":
        return None
    since = now - _whole(state.get("opened"))
    attached = {worker for some in replies[6:] for worker in texts(some)}
    awaited = {slave: Awaited("unclaimed", "", since) for slave in texts(ids)}
    for slave, worker in claims.items():
        awaited[slave] = Awaited("claimed" if worker in attached else "lost", worker, since)
    most = _whole(state.get("attempts"))
    for slave, tried in attempts.items():
        if _whole(tried) >= most and slave not in inside and slave not in awaited:
            awaited[slave] = Awaited("given up", "", since)
    return OpenRound(
        name,
        open_ms=since,
        left_ms=_whole(state.get("deadline")) - now,
        expected=_whole(state.get("expected")),
        arrived=len(inside),
        quorum=_whole(state.get("quorum")),
        awaited=awaited,
    )


def _whole(told: str | None) -> int:
    """Read a number; 0 if it is none, since workers write to a round, too."""
    return int(told) if told and told.isascii() and told.isdigit() else 0
