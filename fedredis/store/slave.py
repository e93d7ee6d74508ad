"""What a worker does in Redis on behalf of slaves: one method a step, no policy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fedredis.errors import RunNotFoundError
from fedredis.keys import Label
from fedredis.store import artifact, parts
from fedredis.store.replies import fields, text, texts
from fedredis.store.results import Failure, Submission
from fedredis.store.scripts import load
from fedredis.store.streams import last_id, read
from fedredis.update import unpack_one, unpack_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from redis import Redis

    from fedredis.codec import Schema
    from fedredis.keys import Kind, RunKeys
    from fedredis.update import Update


@dataclass(frozen=True)
class Claim:
    """Slaves that a worker may work for, until its lease on them ends."""

    label: Label
    #: The epoch in which the round was opened; a submission quotes it.
    epoch: int
    slaves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Packed:
    """One slave's update, ready to be handed in, and what is told of the slave."""

    slave: str
    #: The update, or, if it is large, its parts.
    packed: bytes | Iterable[bytes]
    facts: tuple[str, ...]


@dataclass(frozen=True)
class OpenRounds:
    """The rounds that are open, oldest first, and where to read on for what opens next."""

    labels: tuple[Label, ...]
    cursor: bytes


class SlaveStore:
    """A run's state as a worker sees it."""

    def __init__(self, client: Redis, keys: RunKeys, *, worker: str, lease_ms: int) -> None:
        self.keys = keys
        self._client = client
        self._worker, self._lease_ms = worker, lease_ms
        self._claim, self._renew, self._submit, self._fail, self._presence = (
            load(client, name) for name in ("claim", "renew_claims", "submit", "fail", "presence")
        )

    def attach(self, kind: Kind) -> None:
        """Say, until the lease ends, that this worker's job stays with the run."""
        self._presence(keys=[self.keys.attached(kind)], args=[self._worker, self._lease_ms])

    def detach(self, kind: Kind) -> None:
        """Say that this worker's job leaves the run."""
        self._client.zrem(self.keys.attached(kind), self._worker)

    def open_rounds(self) -> OpenRounds:
        """Look up the open rounds."""
        # The cursor is read first: a round opened in between is then seen twice, never missed.
        cursor = last_id(self._client, self.keys.work)
        labels = self._client.zrange(self.keys.open, 0, -1)
        return OpenRounds(tuple(Label.parse(label) for label in texts(labels)), cursor)

    def wait_for_work(self, after: bytes, seconds: float) -> OpenRounds:
        """Block until a round has something to claim, at most for some seconds.

        Returns no rounds when nothing came, or when the master has ended its work.
        """
        entries = read(self._client, self.keys.work, after, seconds=seconds, count=100)
        names = dict.fromkeys(text(entry[b"round"]) for _, entry in entries)
        labels = tuple(Label.parse(name) for name in names if name)
        return OpenRounds(labels, entries[-1][0] if entries else after)

    def task_of(self, label: Label) -> dict[str, str]:
        """Read what slaves are given to do in a round; empty if there is no such round."""
        return fields(self._client.hgetall(self.keys.round(label).task))

    def artifact(self, name: str) -> artifact.Artifact | None:
        """Fetch a model or a preprocessing; None if it is gone."""
        return artifact.fetch(self._client, self.keys, name)

    def last_updates(self, schema: Schema, slaves: Sequence[str]) -> list[Update | None]:
        """Fetch slaves' last counted updates; None where there is none.

        Raises
        ------
        UpdateRefusedError
            If one is damaged.
        """
        names = [self.keys.last(slave) for slave in slaves]
        if schema.large:
            lists = (list(parts.read(self._client, name)) for name in names)
            return [unpack_parts(schema, pieces) if pieces else None for pieces in lists]
        packed: Any = self._client.mget(names)
        return [unpack_one(schema, update) if update is not None else None for update in packed]

    def claim(
        self,
        label: Label,
        wishes: Sequence[str],
        *,
        attached: Kind,
        take_any: bool,
        least: int = 1,
        most: int = 1,
    ) -> Claim | None:
        """Take slaves off a round's list: of `wishes` first, then any.

        A fair share of those left is taken, `least` at least, where that leaves the other
        workers attached for this kind of job an equal part, and `most` at most.

        Returns None if the round is closed or unknown, a claim of no slaves if none is left.
        """
        keys = self.keys.round(label)
        state, epoch, *slaves = self._claim(
            keys=[keys.round, keys.ids, keys.claims, self.keys.attached(attached)],
            args=[self._worker, self._lease_ms, least, most, int(take_any), *wishes],
        )
        if not state:
            return None
        return Claim(label, int(epoch), tuple(texts(slaves)))

    def renew(self, label: Label, slaves: Sequence[str]) -> int:
        """Prolong claims; say how many of them this worker still holds."""
        return int(
            self._renew(
                keys=[self.keys.round(label).claims],
                args=[self._worker, self._lease_ms, *slaves],
            )
        )

    def submit(
        self, claim: Claim, updates: Sequence[Packed], facts: Sequence[str]
    ) -> list[Submission]:
        """Hand in slaves' updates; `facts` names what each tells of its slave.

        A large one is handed in alone.
        """
        keys, round_keys = self.keys, self.keys.round(claim.label)
        staged = round_keys.staged(self._worker)
        of_slaves: list[str | bytes] = []
        count = 0
        for update in updates:
            packed = update.packed
            if not isinstance(packed, bytes):
                count = parts.write(self._client, staged, packed)
                packed = b""
            of_slaves += (update.slave, packed, *update.facts)
        answers = self._submit(
            keys=[
                *(round_keys.round, round_keys.ids, round_keys.claims, round_keys.arrived),
                *(keys.open, keys.events, staged),
                *(k for u in updates for k in (round_keys.update(u.slave), keys.slave(u.slave))),
            ],
            args=[
                *(str(claim.label), claim.epoch, self._worker, json.dumps(list(facts)), count),
                *of_slaves,
            ],
        )
        return [Submission(answer) for answer in answers]

    def fail(self, claim: Claim, slave: str, *, attempts: int, traceback: str) -> Failure:
        """Report that a slave's attempt failed."""
        keys, round_keys = self.keys, self.keys.round(claim.label)
        return Failure(
            self._fail(
                keys=[
                    *(round_keys.round, round_keys.ids, round_keys.claims, round_keys.arrived),
                    *(round_keys.update(slave), keys.slave(slave), keys.open, keys.work),
                    keys.events,
                ],
                args=[str(claim.label), claim.epoch, slave, self._worker, attempts, traceback],
            )
        )

    def config(self) -> str:
        """Read the run's configuration (JSON).

        Raises
        ------
        RunNotFoundError
            If there is no such run.
        """
        config = self._client.hget(self.keys.run, "config")
        if config is None:
            raise RunNotFoundError(f"there is no run {self.keys.run_id}")
        return text(config)
