"""What a master does in Redis: one method a step, no policy; its epoch fences every write."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from fedredis.errors import LeaseHeldError, RunNotFoundError
from fedredis.store import parts
from fedredis.store.replies import fields, text, texts
from fedredis.store.results import Commit, Opening, RoundState, unless_fenced
from fedredis.store.scripts import load
from fedredis.store.streams import last_id, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from redis import Redis

    from fedredis.keys import Kind, Label, RunKeys
    from fedredis.store.artifact import Artifact


#: Milliseconds that the server has to put a run's end on its disk.
DISK_WAIT_MS = 2_000


@dataclass(frozen=True)
class Tending:
    """How a round stands: its state, how many updates are in, and which workers are at it."""

    state: RoundState
    arrived: int
    attached: tuple[str, ...]


@dataclass(frozen=True)
class Event:
    """An entry of a run's event stream."""

    id: bytes
    type: str
    round: str | None = None


class MasterStore:
    """A run's state under one master's lease."""

    def __init__(self, client: Redis, keys: RunKeys, *, token: str, lease_ms: int) -> None:
        self.keys = keys
        self._client = client
        self._token, self._lease_ms = token, lease_ms
        self._epoch = 0
        self._acquire, self._release, self._open, self._tend = (
            load(client, name) for name in ("acquire", "release", "open_round", "tend")
        )
        self._commit, self._refuse, self._presence = (
            load(client, name) for name in ("commit", "refuse", "presence")
        )

    def acquire(self) -> None:
        """Take the lease, and with it a new epoch.

        Raises
        ------
        LeaseHeldError
            If another master holds it.
        RunNotFoundError
            If there is no such run.
        """
        epoch = self._acquire(
            keys=[self.keys.run, self.keys.lease, self.keys.work, self.keys.events],
            args=[self._token, self._lease_ms],
        )
        if epoch == -1:
            raise RunNotFoundError(f"there is no run {self.keys.run_id}")
        if epoch == 0:
            raise LeaseHeldError(f"another master is driving run {self.keys.run_id}")
        self._epoch = epoch

    def release(self, status: str, error: str = "", forget: Iterable[str] = ()) -> bool:
        """Record how this master's work ended, and give the lease back.

        The last updates that were kept of the slaves in `forget` are removed.

        Returns whether that, and so all before it, is on the server's disk. Where the server
        can tell (``WAITAOF``), it is waited for; elsewhere the answer is True.

        A round is not waited for: with one flush of the file a second it would take a second.
        What a crash of the server takes back is done again when the run is resumed, to the same
        bits.

        Raises
        ------
        LeaseLostError
            If another master has taken over, as from every method below.
        """
        answer = self._release(
            keys=[
                *(self.keys.run, self.keys.lease, self.keys.work, self.keys.events),
                *(self.keys.last(slave) for slave in forget),
            ],
            args=[self._epoch, status, error],
        )
        unless_fenced(answer, self.keys)
        return self._on_disk()

    def _on_disk(self) -> bool:
        try:
            # This client is used by one thread, so its pool lends the connection that wrote.
            local, _ = self._client.waitaof(1, 0, DISK_WAIT_MS)
        except ResponseError:
            # A server before 7.2, or one without an append-only file.
            return True
        return bool(local)

    def open_round(
        self,
        label: Label,
        slaves: Sequence[str],
        *,
        quorum: int,
        timeout_ms: int,
        extra: Mapping[str, str],
    ) -> Opening:
        """Open a round, or adopt it as it stands if a master before has opened it.

        `extra` is what slaves are given to do.
        """
        keys, round_keys = self.keys, self.keys.round(label)
        answer = self._open(
            keys=[
                *(keys.run, round_keys.round, round_keys.ids, keys.open, keys.work, keys.events),
                round_keys.task,
            ],
            args=[self._epoch, str(label), quorum, timeout_ms, json.dumps(dict(extra)), *slaves],
        )
        return Opening(unless_fenced(answer, keys))

    def tend(self, label: Label, kind: Kind) -> Tending:
        """Prolong the lease, put slaves of dead workers back, close the round if it is due.

        `kind` is that of the jobs that serve the round.
        """
        keys, round_keys = self.keys, self.keys.round(label)
        state, arrived, *attached = self._tend(
            keys=[
                *(keys.run, keys.lease, round_keys.round, round_keys.ids, round_keys.claims),
                *(round_keys.arrived, keys.open, keys.work, keys.events, keys.attached(kind)),
            ],
            args=[self._epoch, self._token, self._lease_ms, str(label)],
        )
        state = RoundState(unless_fenced(state, keys))
        return Tending(state, arrived, tuple(texts(attached)))

    def refuse(self, label: Label, slaves: Iterable[str]) -> None:
        """Take updates that can't be counted out of a round, and fail it."""
        keys, round_keys = self.keys, self.keys.round(label)
        answer = self._refuse(
            keys=[
                *(keys.run, round_keys.round, round_keys.arrived),
                *(round_keys.update(slave) for slave in slaves),
            ],
            args=[self._epoch],
        )
        unless_fenced(answer, keys)

    def commit(
        self,
        label: Label,
        *,
        entry: Mapping[str, Any],
        progress: Mapping[str, str],
        slaves: Iterable[str],
        artifacts: Mapping[str, Artifact] | None = None,
        keep: Iterable[str] = (),
        drop: Iterable[str] = (),
    ) -> Commit:
        """Make a round's outcome the run's state and clear the round away, in one call.

        `entry` goes into the history, `progress` into the run's hash, `artifacts` are written by
        name, the updates of the slaves in `keep` are kept as their last ones, the artifacts
        named in `drop` are removed.
        """
        keys, round_keys = self.keys, self.keys.round(label)
        artifacts = artifacts or {}
        places, written = [], []
        for name, artifact in artifacts.items():
            staged, count = keys.staged(self._token, name), 0
            if artifact.schema.large:
                pieces = artifact.schema.encode_parts(artifact.arrays)
                count = parts.write(self._client, staged, pieces)
            stored = artifact.to_fields()
            places += [keys.artifact(name), staged, keys.parts(name)]
            written += [stored["schema"], stored.get("blob", ""), count]
        kept = [key for s in keep for key in (round_keys.update(s), keys.last(s))]
        useless = [round_keys.task, round_keys.ids, round_keys.claims, round_keys.arrived]
        useless += [round_keys.update(slave) for slave in slaves]
        useless += [key for old in drop for key in (keys.artifact(old), keys.parts(old))]
        answer = self._commit(
            keys=[
                *(keys.run, keys.history, keys.events, keys.open, round_keys.round),
                *places,
                *kept,
                *useless,
            ],
            args=[
                *(self._epoch, str(label), json.dumps(dict(entry)), json.dumps(dict(progress))),
                *(len(artifacts), len(kept) // 2, *written),
            ],
        )
        return Commit(unless_fenced(answer, keys))

    def arrived(self, label: Label, slaves: Sequence[str]) -> set[str]:
        """Look up whose updates are in."""
        if not slaves:
            return set()
        round_keys = self.keys.round(label)
        pipeline = self._client.pipeline(transaction=False)
        for slave in slaves:
            pipeline.exists(round_keys.update(slave))
        return {slave for slave, there in zip(slaves, pipeline.execute(), strict=True) if there}

    def updates(self, label: Label, slaves: Sequence[str]) -> list[bytes | None]:
        """Fetch slaves' updates as they lie in Redis; None for one that is not in."""
        round_keys = self.keys.round(label)
        packed: Any = self._client.mget([round_keys.update(slave) for slave in slaves])
        return list(packed)

    def update_parts(self, label: Label, slave: str) -> Iterator[bytes]:
        """Fetch a slave's large update part by part; none if it is not in."""
        return parts.read(self._client, self.keys.round(label).update(slave))

    def last_errors(self, slaves: Sequence[str]) -> list[str]:
        """Say in a line each how the last attempt of these slaves failed, of those that did."""
        pipeline = self._client.pipeline(transaction=False)
        for slave in slaves:
            pipeline.hget(self.keys.slave(slave), "error")
        return [
            f"slave {slave}: {text(error).strip().splitlines()[-1]}"
            for slave, error in zip(slaves, pipeline.execute(), strict=True)
            if error
        ]

    def attached(self, kind: Kind) -> list[str]:
        """Name the workers whose job of this kind stays with the run."""
        names = self._presence(keys=[self.keys.attached(kind)], args=["", 0])
        return texts(names)

    def last_event(self) -> bytes:
        """Return the id of the newest event, to read on from there."""
        return last_id(self._client, self.keys.events)

    def wait(self, after: bytes, seconds: float) -> list[Event]:
        """Block until something has happened after an event, at most for some seconds."""
        entries = read(self._client, self.keys.events, after, seconds=seconds, count=1000)
        return [_event(id_, entry) for id_, entry in entries]


def _event(id_: bytes, entry: dict[bytes, bytes]) -> Event:
    named = fields(entry)
    return Event(id_, named.get("type", ""), named.get("round"))
