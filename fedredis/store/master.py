"""What a master does in Redis: one method a step, no policy; its token fences every write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from fedredis.errors import LeaseHeldError, RunNotFoundError, reason
from fedredis.keys import BUNDLE
from fedredis.store import removal, results, steps
from fedredis.store.charge import Charge
from fedredis.store.incoming import Fetched, Incoming
from fedredis.store.news import News
from fedredis.store.replies import text, texts
from fedredis.store.results import RoundState
from fedredis.store.scripts import Batch, ask, call
from fedredis.store.turns import Heard, Opened, Tending

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from redis import Redis

    from fedredis.keys import RoundName, RunKeys
    from fedredis.store.turns import Committal, Opening

#: Milliseconds that the server has to put a run's end on its disk.
DISK_WAIT_MS = 2_000
#: How a slave's attempt has failed whose worker is gone.
ENDED = "ended while it worked for it (killed, perhaps out of memory, or by what it ran)"
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
        #: What taking and giving back the lease touches.
        self._touched = [
            *(keys.run, keys.lease, keys.work, keys.events, keys.nodes, keys.counts, keys.last)
        ]
        #: Whether anything may be left of rounds that are over: another master has had the run
        #: before, or the server has gone back.
        self._left = False
        #: How many artifacts were written, and the versions of those known.
        self._writes = 0
        self._epoch = 0
        self._begin()

    def _begin(self) -> None:
        """Know nothing but what Redis will say."""
        self._versions: dict[str, str] = {}
        self._incoming = Incoming(self._client, self.keys)
        self._news = News(self._client, self.keys, self._incoming)

    def hold(self) -> None:
        """Keep the lease, if it is free, before there is anything to be in charge of."""
        key, batch = self.keys.lease, Batch(self._client, self._where)
        batch.add("SET", key, self._token, "NX", "PX", self._lease_ms)
        batch.add("GET", key)
        taken, holder = batch.run()
        if not taken and text(holder or b"") == self._token:
            ask(self._client, self._where, "PEXPIRE", key, self._lease_ms)

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
            [*self._touched, keys.history],
            [self._token, self._lease_ms, self._epoch],
        )
        if epoch == -1:
            raise RunNotFoundError(f"there is no run {keys.run_id}")
        if epoch == 0:
            raise LeaseHeldError(
                f"another master is driving run {keys.run_id}: `fedredis watch` shows it"
            )
        self._left = self._left or sequence > 1 or self._epoch > 0
        self._charge.begin(sequence)
        self._epoch = epoch
        self._begin()

    def release(self, status: str, error: str = "") -> bool:
        """Record how this master's work ended, and give the lease back.

        Returns whether that, and so all before it, is on the server's disk. Where the server
        can tell (``WAITAOF``), it is waited for; elsewhere the answer is True.

        A round is not waited for: with one flush of the file a second it would take a second.
        What a crash of the server takes back is done again when the run is resumed, to the same
        bits.
        """
        batch = Batch(self._client, self._where)
        told = self._touched, [self._token, status, error]
        batch.script("release", *told)
        # On the connection that wrote: the server waits for what came over that one.
        batch.add("WAITAOF", 1, 0, DISK_WAIT_MS)
        released, on_disk = batch.run(errors=True)
        if isinstance(released, ResponseError):
            # By itself: that waits for a server which takes no writes for a while.
            released, on_disk = call(self._client, self._where, "release", *told), [0]
        self._charge.told(released)
        # An error is that of a server before 7.2, or of one without an append-only file.
        return isinstance(on_disk, ResponseError) or bool(on_disk[0])

    def turn(self, commits: Sequence[Committal], openings: Sequence[Opening]) -> list[Opened]:
        """Commit rounds and open the next ones, in one round trip.

        Large artifacts are sent before it.

        Raises
        ------
        StateLostError
            If the round to commit is not as it was when it was counted. A round that is
            committed already is not committed again.
        """
        batch = Batch(self._client, self._where)
        versions = self._new_versions(commits)
        committed = []
        for commit in commits:
            bundles = self._incoming.names(commit.name)
            place = steps.commit(batch, self.keys, self._token, commit, versions, bundles)
            committed.append((commit, place))
        # Whoever waits is woken up once, for all of them: it works for several in one visit.
        opened, news = [], " ".join(str(opening.name) for opening in openings)
        for opening in openings:
            reads = {
                role: (name, versions.get(name) or self._version(name))
                for role, name in opening.reads.items()
            }
            after = str(commits[-1].name) if commits else ""
            waking = news if opening is openings[-1] else ""
            opened.append(
                steps.open_round(batch, self.keys, self._token, opening, reads, after, waking)
            )
        # So that what this turn tells others does not wake its own master.
        told = batch.add(*self._news.asking())
        replies = batch.run()
        for commit, place in committed:
            (answer,) = self._charge.told(replies[place])
            if answer in results.LOST:
                raise self._charge.lost(
                    f"round {commit.name} can't be committed, {results.LOST[answer]}"
                )
            self._versions.update({name: versions[name] for name in commit.artifacts})
            for name in commit.drop:
                self._versions.pop(name, None)
            self._incoming.forget(commit.name)
        self._news.keep(replies[told], {str(commit.name) for commit in commits})
        answers = []
        for opening, place in zip(openings, opened, strict=True):
            answer, attached = self._charge.told(replies[place])
            if answer == results.NOT_OPENED:
                raise self._charge.lost(
                    f"round {opening.name} can't be opened, its slaves are gone"
                )
            answers.append(Opened(answer == results.ADOPTED, tuple(texts(attached))))
        return answers

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
                *(round_.bundles, keys.open, keys.events, keys.attached(job), round_.ids),
            ],
            [self._token, self._lease_ms, str(name)],
        )
        state, arrived, bundles, epoch, attached, gone, nowhere = self._charge.told(reply)
        if state == results.NO_ROUND:
            raise self._charge.lost(f"round {name} is gone")
        if gone:
            # As they stand there: strangers may have written what is no name.
            by_worker: dict[bytes, list[bytes]] = {}
            for slave, worker in zip(gone[::2], gone[1::2], strict=True):
                by_worker.setdefault(worker, []).append(slave)
            batch = Batch(self._client, self._where)
            for worker, slaves in by_worker.items():
                why = f"worker {text(worker)} {ENDED}"
                of = batch, self.keys, name, epoch, worker
                steps.fail(*of, why, slaves, counts_as="reclaimed")
            batch.run()
            return self.tend(name, job)
        return Tending(RoundState(state), arrived, bundles, tuple(texts(attached)), nowhere)

    def bundles(self, starts: Mapping[RoundName, int]) -> Iterator[Fetched]:
        """Fetch bundles of rounds from an index on: their rounds, names and parts.

        What comes a second time, or has no bundle's name, is left out, and taken off their list.

        Raises
        ------
        StateLostError
            If the one before is not there any more.
        """
        return self._incoming.bundles(starts)

    def refuse(self, name: RoundName, bundles: Mapping[str, str]) -> dict[str, list[str]]:
        """Take bundles that can't be counted out of a round; `bundles` says why, by name.

        Returns the slaves that are in each.

        They are off the list of bundles, so that those behind them move up. Their slaves are not
        in any more, and have failed once more: they are asked again, or given up. A round that
        was closed is open again until all slaves are in or given up: `tend` tells how it stands.
        """
        keys, round_ = self.keys, self.keys.round(name)
        inside = self._incoming.inside(name)
        batch, failing = Batch(self._client, self._where), Batch(self._client, self._where)
        slaves_of = {
            called: [slave for slave, where in inside.items() if where == called.encode()]
            for called in bundles
        }
        for called, slaves in slaves_of.items():
            batch.script(
                "refuse",
                [
                    *(keys.run, round_.round, round_.claims, round_.inside, round_.bundles),
                    *(keys.open, round_.bundle(called), *map(keys.memory, texts(slaves))),
                ],
                [self._token, str(name), called, *slaves],
            )
        for (called, slaves), reply in zip(slaves_of.items(), batch.run(), strict=True):
            (epoch,) = self._charge.told(reply)
            self._incoming.refused(name, called)
            if slaves:
                why = bundles[called]
                of = failing, self.keys, name, epoch, called.encode()
                steps.fail(*of, why, slaves, counts_as="refused")
        failing.run()
        return {called: texts(slaves) for called, slaves in slaves_of.items()}

    def mend(self, name: RoundName, counted: Mapping[str, str]) -> None:
        """Make who is in a round be who was counted: slave to bundle; the round is open again.

        Bundles that were not counted, in which others were said to be, are removed.
        """
        keys, round_ = self.keys, self.keys.round(name)
        stray = set(texts(self._incoming.inside(name).values())) - {*counted.values()}
        if gone := [round_.bundle(called) for called in stray if BUNDLE.fullmatch(called)]:
            ask(self._client, self._where, "UNLINK", *gone)
        reply = self._call(
            "mend",
            [keys.run, round_.round, round_.inside, keys.open],
            [self._token, str(name), *(word for entry in counted.items() for word in entry)],
        )
        self._charge.told(reply)

    def missing(self, name: RoundName, slaves: Sequence[str]) -> list[str]:
        """List those of some slaves who are not in."""
        batch = Batch(self._client, self._where)
        for first in range(0, len(slaves), CHUNK):
            inside = self.keys.round(name).inside
            batch.add("HMGET", inside, *slaves[first : first + CHUNK])
        there = [found for reply in batch.run() for found in reply]
        return [slave for slave, found in zip(slaves, there, strict=True) if found is None]

    def failed(self, name: RoundName) -> set[str]:
        """Name the slaves who have failed in a round."""
        key = self.keys.round(name).attempts
        return set(texts(ask(self._client, self._where, "HKEYS", key)))

    def sweep(self) -> None:
        """Remove what is left of rounds that are over, at a run's end.

        A server that has lost half of what it was to do may do the other half when it starts once
        more. That is looked for where a master had reason to take the lease anew.
        """
        if self._left:
            removal.unlink(self._client, f"{self.keys.run}:round:")

    def last_errors(self, slaves: Sequence[str]) -> list[str]:
        """Say in a line each how the last attempt of these slaves failed, of those that did."""
        batch = Batch(self._client, self._where)
        for slave in slaves:
            batch.add("HGET", self.keys.slave(slave), "error")
        return [
            f"slave {slave}: {reason(text(error))}"
            for slave, error in zip(slaves, batch.run(), strict=True)
            if error
        ]

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

    def is_to_stop(self) -> bool:
        """Say whether somebody has asked this master to stop."""
        asked = ask(self._client, self._where, "HGET", self.keys.run, "stop")
        return asked is not None and text(asked) == self._token

    def hear(self, seconds: float, fetched: Mapping[RoundName, int] | None = None) -> Heard:
        """Block until something has happened, at most for some seconds; see `News.hear`."""
        return self._news.hear(seconds, fetched or {})

    def _new_versions(self, commits: Sequence[Committal]) -> dict[str, str]:
        versions = {}
        for name in (name for commit in commits for name in commit.artifacts):
            self._writes += 1
            versions[name] = f"{self._token}.{self._writes}"
        return versions

    def _version(self, name: str) -> str:
        if name not in self._versions:
            key = self.keys.artifact(name)
            found = ask(self._client, self._where, "HGET", key, "version")
            if found is None:
                raise self._charge.lost(f"its {name} is gone")
            self._versions[name] = text(found)
        return self._versions[name]

    def _call(self, script: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
        return call(self._client, self._where, script, keys, args)
