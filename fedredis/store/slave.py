"""What a worker does in Redis on behalf of slaves: one method a step, no policy."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from fedredis.arrays import blob
from fedredis.errors import ArtifactGoneError, BlobError, RunNotFoundError
from fedredis.keys import RoundName
from fedredis.store import artifact, steps
from fedredis.store.replies import damaged, explain, fields, text, texts
from fedredis.store.results import Failure, SubmissionState
from fedredis.store.scripts import Batch, ask, call
from fedredis.store.streams import entries_of, last_id, reading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from redis import Redis

    from fedredis.arrays import Arrays, Bundle, Named, Schema
    from fedredis.keys import RunKeys

#: Characters of a traceback that are kept, from its end.
TRACEBACK = 8000


@dataclass(frozen=True)
class Claim:
    """Slaves that a worker may work for, as long as it is attached."""

    name: RoundName
    #: The epoch in which the round was opened; a submission quotes it.
    epoch: int
    slaves: tuple[str, ...]
    #: What they are given to do, if it was asked for; empty if the round is gone by now.
    task: Mapping[str, str] = field(default_factory=dict)
    #: The place of the first of them in the round; -1 for those that it held before.
    place: int = field(default=-1, compare=False)
    #: How many are still listed, for anybody to claim.
    left: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Ask:
    """What a worker would like to claim.

    A fair share of those left is taken, `least` at least, where that leaves the other workers
    attached for this kind of `job` an equal part, and `most` at most: of its `wishes`, or, if it
    can `take_any`, of all from a `place` on. What it still holds of the round is given again
    instead.
    """

    name: RoundName
    job: str
    wishes: Sequence[str]
    take_any: bool
    least: int = 1
    most: int = 1
    with_task: bool = False
    place: int = 0


@dataclass(frozen=True)
class Handed:
    """A bundle to hand in for a claim."""

    claim: Claim
    bundle: Bundle
    schema: Schema
    #: For each slave of the bundle what it is given back later, if anything, and its schema.
    memories: Sequence[Arrays] = ()
    remembers: Schema | None = None


@dataclass(frozen=True)
class Submission:
    """What became of a bundle; `overlap` names those who were in already."""

    state: SubmissionState
    overlap: tuple[str, ...] = ()


@dataclass(frozen=True)
class Visit:
    """What a visit has brought."""

    #: What became of each bundle.
    submissions: list[Submission]
    #: For each round that was asked None if it is closed or unknown; a claim of no slaves if none
    #: is left.
    claims: list[Claim | None]
    #: The artifacts that were wanted and are there, by name and version.
    artifacts: dict[tuple[str, str], Named]


@dataclass(frozen=True)
class OpenRounds:
    """The rounds that are open, oldest first, and where to read on for what opens next."""

    names: tuple[RoundName, ...]
    cursor: bytes


@dataclass(frozen=True)
class Woken(OpenRounds):
    """The rounds that have something to claim, and what was claimed in the same trip."""

    visit: Visit


class SlaveStore:
    """A run's state as a worker sees it.

    `alone` is the one slave that it acts for, if there is only one: its bundles have a key that
    an access rule can leave to it.
    """

    def __init__(
        self, client: Redis, keys: RunKeys, *, worker: str, lease_ms: int, alone: str | None
    ) -> None:
        self.keys = keys
        self._client, self._where = client, f"run {keys.run_id}"
        self._worker, self._lease_ms, self._alone = worker, lease_ms, alone
        #: Parts this store's bundles from those of others of the same worker.
        self._mine, self._handed = secrets.token_hex(3), count(1)

    def attach(self, job: str) -> None:
        """Say, until the lease ends, that this worker's job stays with the run.

        As long as that is said again before, its claims last.
        """
        self._call("presence", [self.keys.attached(job)], [self._worker, self._lease_ms])

    def detach(self, job: str) -> None:
        """Say that this worker's job leaves the run: it gives up what it still holds."""
        ask(self._client, self._where, "ZREM", self.keys.attached(job), self._worker)

    def open_rounds(self) -> OpenRounds:
        """Look up the open rounds."""
        # The cursor is read first: a round opened in between is then seen twice, never missed.
        cursor = last_id(self._client, self.keys.work)
        names = ask(self._client, self._where, "ZRANGE", self.keys.open, 0, -1)
        return OpenRounds(_rounds(texts(names)), cursor)

    def wait_for_work(
        self,
        after: bytes,
        seconds: float,
        asks: Sequence[Ask] = (),
        wanted: Collection[str] = (),
    ) -> Woken:
        """Block until a round has something to claim, at most for some seconds; then claim.

        It is asked of rounds that will likely be open by then. Returns no names when nothing came,
        or when the master has ended its work.
        """
        batch = Batch(self._client, self._where)
        told = batch.add(*reading(self.keys.work, after, seconds=seconds, count=100))
        asked, looked_up = self._ask_all(batch, asks, wanted)
        replies = batch.run(errors=True)
        entries = entries_of(self._client, self.keys.work, replies[told])
        if broken := next((r for r in replies[1:] if isinstance(r, ResponseError)), None):
            raise explain(self._where, broken) from broken
        spoken = (text(entry.get(b"round", b"")).split() for _, entry in entries)
        names = dict.fromkeys(name for some in spoken for name in some)
        cursor = entries[-1][0] if entries else after
        visit = Visit([], *_claimed(asks, asked, looked_up, replies))
        return Woken(_rounds(names), cursor, visit)

    def visit(
        self, handed: Sequence[Handed], asks: Sequence[Ask], wanted: Collection[str] = ()
    ) -> Visit:
        """Hand in bundles and claim the next slaves, in one round trip; large parts go before it.

        Artifacts that will likely be `wanted` come with it, unless they are large.
        """
        batch = Batch(self._client, self._where)
        submitted = [self._submit(batch, one) for one in handed]
        asked, looked_up = self._ask_all(batch, asks, wanted)
        replies = batch.run()
        submissions = []
        for place in submitted:
            state, *overlap = replies[place]
            submissions.append(Submission(SubmissionState(state), tuple(texts(overlap))))
        return Visit(submissions, *_claimed(asks, asked, looked_up, replies))

    def fail(self, claim: Claim, slave: str, *, traceback: str) -> Failure:
        """Report that a slave's attempt failed."""
        batch, why = Batch(self._client, self._where), traceback[-TRACEBACK:]
        of = claim.name, claim.epoch, self._worker
        place = steps.fail(batch, self.keys, *of, why, [slave.encode()])
        return Failure(batch.run()[place][0])

    def artifact(self, name: str, version: str) -> Named:
        """Fetch an artifact of this version.

        Raises
        ------
        ArtifactGoneError
            If it is gone, or another one by now.
        """
        found = artifact.fetch(self._client, self.keys, name, version)
        if found is None:
            raise ArtifactGoneError(f"{self._where}: its {name} is gone, the master has moved on")
        return found

    def memories(self, slaves: Sequence[str], before: int, schema: Schema) -> list[Arrays | None]:
        """Fetch what slaves are given back of their last round before one; None for none.

        Raises
        ------
        FedredisError
            If it is damaged.
        """
        looked = Batch(self._client, self._where)
        for slave in slaves:
            looked.add("HKEYS", self.keys.memory(slave))
        numbers = [
            max((int(n) for n in names if n.isdigit() and int(n) < before), default=0)
            for names in looked.run()
        ]
        batch = Batch(self._client, self._where)
        for slave, number in zip(slaves, numbers, strict=True):
            batch.add("HGET", self.keys.memory(slave), number)
        return [
            None if found is None else self._memory(slave, schema, found)
            for slave, found in zip(slaves, batch.run(), strict=True)
        ]

    def config(self) -> str:
        """Read the run's configuration (JSON).

        Raises
        ------
        RunNotFoundError
            If there is no such run.
        """
        config = ask(self._client, self._where, "HGET", self.keys.run, "config")
        if config is None:
            raise RunNotFoundError(f"there is no run {self.keys.run_id}")
        return text(config)

    def is_over(self) -> bool:
        """Say whether nobody goes on with the run, for now."""
        status = ask(self._client, self._where, "HGET", self.keys.run, "status")
        return status not in (b"waiting", b"running")

    def _submit(self, batch: Batch, handed: Handed) -> int:
        claim, slaves = handed.claim, handed.bundle.slaves
        keys, round_ = self.keys, self.keys.round(claim.name)
        called = f"bundle:{self._worker}:{self._mine}-{next(self._handed)}"
        if self._alone is not None:
            called = f"update:{self._alone}"
        staged, bundle = round_.staged(self._worker), replace(handed.bundle, worker=self._worker)
        memories = [keys.memory(slave) for slave in slaves] if handed.remembers is not None else []
        parts = batch.stage(staged, chain(bundle.parts(handed.schema), _remembered(handed)))
        return batch.script(
            "submit",
            [
                *(round_.round, round_.ids, round_.claims, round_.inside, round_.bundles),
                *(round_.attempts, keys.open, keys.events, keys.counts),
                *(staged, round_.bundle(called)),
                *memories,
            ],
            [
                *(str(claim.name), claim.epoch, called, parts - len(memories)),
                *(handed.schema.nbytes, " ".join(slaves)),
            ],
        )

    def _ask_all(
        self, batch: Batch, asks: Sequence[Ask], wanted: Collection[str]
    ) -> tuple[list[int], dict[str, slice]]:
        """Ask for slaves and artifacts; return where the replies are."""
        asked = [self._ask(batch, one) for one in asks]
        return asked, {name: artifact.look_up(batch, self.keys, name) for name in wanted}

    def _ask(self, batch: Batch, one: Ask) -> int:
        round_ = self.keys.round(one.name)
        place = batch.script(
            "claim",
            [
                *(round_.round, round_.ids, round_.claims, round_.attempts),
                self.keys.attached(one.job),
            ],
            [
                *(self._worker, self._lease_ms, one.least, one.most, int(one.take_any)),
                *(one.place, " ".join(one.wishes)),
            ],
        )
        if one.with_task:
            batch.add("HGETALL", round_.task)
        return place

    def _memory(self, slave: str, schema: Schema, found: bytes) -> Arrays:
        head, _, body = found.partition(b"\n")
        try:
            return blob.unpack(schema, [head, body])[1]
        except BlobError as error:
            raise damaged(self._where, f"what slave {slave} is given back: {error}") from error

    def _call(self, script: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
        return call(self._client, self._where, script, keys, args)


def _claimed(
    asks: Sequence[Ask],
    asked: Sequence[int],
    looked_up: Mapping[str, slice],
    replies: Sequence[Any],
) -> tuple[list[Claim | None], dict[tuple[str, str], Named]]:
    """Read what was claimed, and the artifacts that are there."""
    claims: list[Claim | None] = []
    for one, place in zip(asks, asked, strict=True):
        state, epoch, names, first, left = replies[place]
        task = fields(replies[place + 1]) if one.with_task else {}
        # One text: to take a list of names apart would take as long as to train some.
        claim = Claim(one.name, epoch, tuple(text(names).split()), task, first, left)
        claims.append(claim if state else None)
    found = {name: artifact.small(replies[at]) for name, at in looked_up.items()}
    return claims, {(name, one[0]): one[1] for name, one in found.items() if one is not None}


def _remembered(handed: Handed) -> Iterator[bytes]:
    """Write what each slave is given back later as one part."""
    if handed.remembers is not None:
        for arrays in handed.memories:
            head, *body = blob.pack(handed.remembers, arrays)
            yield head + b"\n" + b"".join(body)


def _rounds(names: Iterable[str]) -> tuple[RoundName, ...]:
    """Read names of rounds; slaves may write what is none."""
    found = []
    for name in names:
        try:
            found.append(RoundName.parse(name))
        except BlobError:
            continue
    return tuple(found)
