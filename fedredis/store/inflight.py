"""What a run is at: its open rounds, whom they wait for, and since when. It only reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fedredis.keys import Label, RunKeys
from fedredis.store.replies import fields, text, texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis

#: Events that are looked through for slaves whose worker was lost: all that a stream keeps.
EVENTS = 1000


@dataclass(frozen=True)
class Awaited:
    """A slave that an open round waits for, in one of four states.

    ``unclaimed``: no worker has taken it up; ``claimed``: a worker is at it, whose lease holds;
    ``lost``: its worker is gone, as its lease has run out; ``given up``: after its last attempt.
    """

    state: str
    #: The worker that is at it, or was; empty if there was none.
    worker: str
    #: Milliseconds: since the round was opened, or since the worker's lease has run out.
    since_ms: int


@dataclass(frozen=True)
class OpenRound:
    """A round on its way."""

    label: Label
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
    pipeline = client.pipeline(transaction=False)
    for run in runs:
        pipeline.exists(RunKeys(run).lease)
    return {run for run, held in zip(runs, pipeline.execute(), strict=True) if not held}


def open_rounds(client: Redis, run: str) -> tuple[OpenRound, ...]:
    """Read the open rounds of a run, the oldest first."""
    keys = RunKeys(run)
    labels = [Label.parse(name) for name in texts(client.zrange(keys.open, 0, -1))]
    if not labels:
        return ()
    lost = _reclaimed(client, keys)
    read = (_open_round(client, keys, label, lost) for label in labels)
    return tuple(found for found in read if found)


def _open_round(
    client: Redis, keys: RunKeys, label: Label, lost: dict[tuple[str, str], tuple[str, int]]
) -> OpenRound | None:
    """Read one; None if it has been closed meanwhile."""
    round_keys = keys.round(label)
    with client.pipeline(transaction=True) as pipeline:
        pipeline.time()
        pipeline.hgetall(round_keys.round)
        pipeline.zrange(round_keys.ids, 0, -1)
        pipeline.hgetall(round_keys.claims)
        pipeline.get(round_keys.arrived)
        (seconds, micros), stored, ids, claims, arrived = pipeline.execute()
    now, state = seconds * 1000 + micros // 1000, fields(stored)
    if state.get("state") != "open":
        return None
    opened = _whole(state.get("opened"))
    awaited = {}
    for slave in texts(ids):
        worker, since = lost.get((str(label), slave), ("", opened))
        awaited[slave] = Awaited("lost" if worker else "unclaimed", worker, now - since)
    for slave, claim in fields(claims).items():
        worker, _, ends = claim.rpartition(" ")
        gone = now - _whole(ends)
        awaited[slave] = Awaited(
            *(("lost", worker, gone) if gone >= 0 else ("claimed", worker, now - opened))
        )
    for name in state:
        kind, _, slave = name.partition(":")
        if kind == "given_up" and slave:
            awaited[slave] = Awaited("given up", "", now - opened)
    return OpenRound(
        label,
        open_ms=now - opened,
        left_ms=_whole(state.get("deadline")) - now,
        expected=_whole(state.get("expected")),
        arrived=_whole(text(arrived or b"0")),
        quorum=_whole(state.get("quorum")),
        awaited=awaited,
    )


def _reclaimed(client: Redis, keys: RunKeys) -> dict[tuple[str, str], tuple[str, int]]:
    """Look up, by round and slave, from which worker a slave was taken back last, and when."""
    found: dict[tuple[str, str], tuple[str, int]] = {}
    entries: Any = client.xrevrange(keys.events, count=EVENTS)
    for id_, entry in reversed(entries):
        told = fields(entry)
        if told.get("type") == "reclaimed":
            place = told.get("round", ""), told.get("slave", "")
            found[place] = told.get("worker", ""), int(id_.partition(b"-")[0])
    return found


def _whole(told: str | None) -> int:
    """Read a number; 0 if it is none, since workers write to a round, too."""
    return int(told) if told and told.isascii() and told.isdigit() else 0
