"""What a master does in Redis: one method a step, no policy; its token fences every write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from fedredis.arrays import Schema, blob
from fedredis.errors import FedredisError, LeaseHeldError, RunNotFoundError
from fedredis.store import results
from fedredis.store.charge import Charge
from fedredis.store.incoming import Incoming
from fedredis.store.replies import explain, fields, text, texts
from fedredis.store.results import RoundState
from fedredis.store.scripts import Batch, ask, call
from fedredis.store.streams import last_id, read
from fedredis.store.turns import Event, Tending

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from redis import Redis

    from fedredis.keys import RoundName, RunKeys
    from fedredis.store.turns import Committal, Opening

#: Milliseconds that the server has to put a run's end on its disk.
DISK_WAIT_MS = 2_000
#: Names in a command.
CHUNK = 1000


class MasterStore:
    """A run's state under one master's lease.

    Every method below `acquire` raises `LeaseLostError` if another master has taken over,
    `RunGoneError` if there is no run any more, and `StateLostError` if it has gone back in time:
    then what this master knows is worth nothing, until it acquires the run anew.
    """

    def __init__(self, client: Redis, keys: RunKeys, *, token: str, lease_ms: int) -> None:
        self.keys = keys
        self._client, self._where = client, f"run {keys.run_id}"
        self._token, self._lease_ms = token, lease_ms
        self._charge = Charge(self._where)
        #: How many artifacts were written, and the versions of those known.
        self._writes = 0
        self._versions: dict[str, str] = {}
        self._incoming = Incoming(client, keys)

    def acquire(self) -> None:
        """Take the lease, and with it a new epoch.

        Raises
        ------
        LeaseHeldError
            If another master holds it.
        RunNotFoundError
            If there is no such run.
        """
        keys = self.keys
        epoch, sequence = self._call(
            "acquire",
            [keys.run, keys.lease, keys.work, keys.events],
            [self._token, self._lease_ms],
        )
        if epoch == -1:
            raise RunNotFoundError(f"there is no run {keys.run_id}")
        if epoch == 0:
            raise LeaseHeldError(f"another master is driving run {keys.run_id}")
        self._charge.begin(sequence)
        # All else is as Redis says from here on.
        self._versions = {}
        self._incoming = Incoming(self._client, self.keys)

    def release(self, status: str, error: str = "") -> bool:
        """Record how this master's work ended, and give the lease back.

        Returns whether that, and so all before it, is on the server's disk. Where the server
        can tell (``WAITAOF``), it is waited for; elsewhere the answer is True.

        A round is not waited for: with one flush of the file a second it would take a second.
        What a crash of the server takes back is done again when the run is resumed, to the same
        bits.
        """
        keys, batch = self.keys, Batch(self._client, self._where)
        batch.script(
            "release",
            [keys.run, keys.lease, keys.work, keys.events],
            [self._token, status, error],
        )
        # On the connection that wrote: the server waits for what came over that one.
        batch.add("WAITAOF", 1, 0, DISK_WAIT_MS)
        released, on_disk = batch.run(errors=True)
        if isinstance(released, ResponseError):
            raise explain(self._where, released)
        self._charge.told(released)
        # An error is that of a server before 7.2, or of one without an append-only file.
        return isinstance(on_disk, ResponseError) or bool(on_disk[0])

    def turn(self, commit: Committal | None, openings: Sequence[Opening]) -> list[bool]:
        """Commit a round and open the next ones, in one round trip.

        Large artifacts are sent before it. Returns for each opening whether the round was adopted:
        a master before had opened it, and it may be well on its way.

        Raises
        ------
        StateLostError
            If the round to commit is not as it was when it was counted. A round that is
            committed already is not committed again.
        """
        batch = Batch(self._client, self._where)
        versions = self._new_versions(commit)
        committed = self._commit(batch, commit, versions) if commit else None
        after = str(commit.name) if commit else ""
        opened = [self._open(batch, opening, versions, after) for opening in openings]
        replies = batch.run()
        if commit and committed is not None:
            (answer,) = self._charge.told(replies[committed])
            if answer in results.LOST:
                raise self._charge.lost(
                    f"round {commit.name} can't be committed, {results.LOST[answer]}"
                )
            self._versions.update({name: versions[name] for name in commit.artifacts})
            for name in commit.drop:
                self._versions.pop(name, None)
            self._incoming.forget(commit.name)
        adopted = []
        for opening, place in zip(openings, opened, strict=True):
            (answer,) = self._charge.told(replies[place])
            if answer == results.NOT_OPENED:
                raise self._charge.lost(
                    f"round {opening.name} can't be opened, its slaves are gone"
                )
            adopted.append(answer == results.ADOPTED)
        return adopted

    def tend(self, name: RoundName, job: str) -> Tending:
        """Prolong the lease, put slaves of dead workers back, close the round if it is due.

        `job` is the kind of the jobs that serve the round. That a worker ends while it holds a
        slave is a failed attempt of that slave's.
        """
        keys, round_ = self.keys, self.keys.round(name)
        reply = self._call(
            "tend",
            [
                *(keys.run, keys.lease, round_.round, round_.claims, round_.inside),
                *(round_.bundles, keys.open, keys.events, keys.attached(job)),
            ],
            [self._token, self._lease_ms, str(name)],
        )
        state, arrived, bundles, epoch, attached, gone = self._charge.told(reply)
        if state == results.NO_ROUND:
            raise self._charge.lost(f"round {name} is gone")
        if gone:
            by_worker: dict[str, list[str]] = {}
            for slave, worker in zip(texts(gone[::2]), texts(gone[1::2]), strict=True):
                by_worker.setdefault(worker, []).append(slave)
            batch = Batch(self._client, self._where)
            for worker, slaves in by_worker.items():
                why = (
                    f"worker {worker} ended while it worked for it (killed, perhaps out of memory)"
                )
                self._fail(batch, name, epoch, worker, why, slaves)
            batch.run()
            return self.tend(name, job)
        return Tending(RoundState(state), arrived, bundles, tuple(texts(attached)))

    def bundles(self, name: RoundName, start: int) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Fetch bundles of a round from index `start` on: their names and their parts.

        What comes a second time, or has no bundle's name, is left out, and taken off their list.
        """
        return self._incoming.bundles(name, start)

    def refuse(self, name: RoundName, bundles: Mapping[str, str]) -> None:
        """Take bundles that can't be counted out of a round; `bundles` says why, by name.

        They are off the list of bundles, so that those behind them move up. Their slaves are not
        in any more, and have failed once more: they are asked again, or given up. A round that
        was closed is open again until all slaves are in or given up: `tend` tells how it stands.
        """
        keys, round_ = self.keys, self.keys.round(name)
        inside = self._incoming.inside(name)
        batch, failing = Batch(self._client, self._where), Batch(self._client, self._where)
        slaves_of = {b: [s for s, where in inside.items() if where == b] for b in bundles}
        for called, slaves in slaves_of.items():
            batch.script(
                "refuse",
                [
                    *(keys.run, round_.round, round_.claims, round_.inside, round_.bundles),
                    *(keys.open, round_.bundle(called), *map(keys.memory, slaves)),
                ],
                [self._token, str(name), called, *slaves],
            )
        for (called, slaves), reply in zip(slaves_of.items(), batch.run(), strict=True):
            (epoch,) = self._charge.told(reply)
            self._incoming.refused(name, called)
            if slaves:
                self._fail(failing, name, epoch, called, bundles[called], slaves)
        failing.run()

    def missing(self, name: RoundName, slaves: Sequence[str]) -> list[str]:
        """List those of some slaves who are not in."""
        batch = Batch(self._client, self._where)
        for first in range(0, len(slaves), CHUNK):
            inside = self.keys.round(name).inside
            batch.add("HMGET", inside, *slaves[first : first + CHUNK])
        there = [found for reply in batch.run() for found in reply]
        return [slave for slave, found in zip(slaves, there, strict=True) if found is None]

    def last_errors(self, slaves: Sequence[str]) -> list[str]:
        """Say in a line each how the last attempt of these slaves failed, of those that did."""
        batch = Batch(self._client, self._where)
        for slave in slaves:
            batch.add("HGET", self.keys.slave(slave), "error")
        said = [text(error or b"").strip() for error in batch.run()]
        return [
            f"slave {slave}: {error.splitlines()[-1]}"
            for slave, error in zip(slaves, said, strict=True)
            if error
        ]

    def attached(self, job: str) -> list[str]:
        """Name the workers whose job of this kind stays with the run."""
        return texts(self._call("presence", [self.keys.attached(job)], ["", 0]))

    def warn(self, *warnings: str) -> None:
        """Add to what may mislead in the run's result, each once."""
        key = self.keys.warnings
        told = set(texts(ask(self._client, self._where, "LRANGE", key, 0, -1)))
        if new := [warning for warning in dict.fromkeys(warnings) if warning not in told]:
            ask(self._client, self._where, "RPUSH", key, *new)

    def forget_memories(self, slaves: Sequence[str]) -> None:
        """Remove what slaves were to be given back."""
        batch = Batch(self._client, self._where)
        for first in range(0, len(slaves), CHUNK):
            batch.add("UNLINK", *map(self.keys.memory, slaves[first : first + CHUNK]))
        batch.run()

    def last_event(self) -> bytes:
        """Return the id of the newest event, to read on from there."""
        return last_id(self._client, self.keys.events)

    def wait(self, after: bytes, seconds: float) -> list[Event]:
        """Block until something has happened after an event, at most for some seconds."""
        entries = read(self._client, self.keys.events, after, seconds=seconds, count=1000)
        named = [(id_, fields(entry)) for id_, entry in entries]
        return [Event(id_, told.get("type", ""), told.get("round")) for id_, told in named]

    def _commit(self, batch: Batch, commit: Committal, versions: Mapping[str, str]) -> int:
        keys, round_ = self.keys, self.keys.round(commit.name)
        places: list[str] = []
        written: list[Any] = []
        for name, named in commit.artifacts.items():
            schema, staged = Schema.of(named), keys.staged(self._token, name)
            count = batch.stage(staged, blob.pack(schema, list(named.values())))
            places += (keys.artifact(name), staged, keys.parts(name))
            written += (schema.to_json(), versions[name], count)
        useless = (round_.round, round_.task, round_.ids, round_.claims, round_.inside)
        return batch.script(
            "commit",
            [
                *(keys.run, keys.history, keys.events, keys.slaves, keys.warnings),
                *(round_.round, round_.inside, *places, *useless),
                *(round_.bundles, round_.attempts),
                *map(round_.bundle, self._incoming.names(commit.name)),
                *(key for old in commit.drop for key in (keys.artifact(old), keys.parts(old))),
            ],
            [
                *(self._token, str(commit.name), commit.counted, json.dumps(dict(commit.entry))),
                *(json.dumps(dict(commit.progress)), commit.slaves, json.dumps(commit.warnings)),
                *(len(commit.artifacts), *written),
            ],
        )

    def _open(self, batch: Batch, opening: Opening, written: Mapping[str, str], after: str) -> int:
        keys, round_ = self.keys, self.keys.round(opening.name)
        names = opening.reads
        reads = {role: [n, written.get(n) or self._version(n)] for role, n in names.items()}
        return batch.script(
            "open_round",
            [
                *(keys.run, keys.history, round_.round, round_.task, round_.ids, round_.claims),
                *(round_.inside, round_.attempts, keys.everyone, keys.attached(opening.job)),
                *(keys.open, keys.work, keys.events),
            ],
            [
                *(self._token, str(opening.name), after, opening.expected, opening.quorum),
                *(opening.attempts, opening.timeout_ms),
                json.dumps({**opening.task, "reads": json.dumps(reads)}),
                *(opening.slaves or ()),
            ],
        )

    def _fail(
        self, batch: Batch, name: RoundName, epoch: int, worker: str, why: str, slaves: list[str]
    ) -> None:
        """Count a failed attempt of slaves, as if their worker had said so itself."""
        keys, round_ = self.keys, self.keys.round(name)
        batch.script(
            "fail",
            [
                *(round_.round, round_.ids, round_.claims, round_.inside, round_.attempts),
                *(keys.open, keys.work, keys.events, *map(keys.slave, slaves)),
            ],
            [str(name), epoch, worker, why, *slaves],
        )

    def _new_versions(self, commit: Committal | None) -> dict[str, str]:
        versions = {}
        for name in commit.artifacts if commit else ():
            self._writes += 1
            versions[name] = f"{self._token}.{self._writes}"
        return versions

    def _version(self, name: str) -> str:
        if name not in self._versions:
            key = self.keys.artifact(name)
            found = ask(self._client, self._where, "HGET", key, "version")
            if found is None:
                raise FedredisError(f"{self._where} has lost its {name}: it can't be gone on with")
            self._versions[name] = text(found)
        return self._versions[name]

    def _call(self, script: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
        return call(self._client, self._where, script, keys, args)
