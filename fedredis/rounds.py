"""The rounds that are on their way: opened, looked after, their updates added up, committed.

A round ends when its barrier is closed and every slave has had its turn in the sum. Nothing here
knows what a round is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from fedredis.errors import RoundFailedError
from fedredis.keys import Kind, Label, job_kind
from fedredis.store.results import Commit, Opening, RoundState

if TYPE_CHECKING:
    from fedredis.config import RunConfig
    from fedredis.reduction import Reduction
    from fedredis.store.artifact import Artifact
    from fedredis.store.master import MasterStore, Tending

#: Seconds between two looks at leases, deadlines and workers; events come at once.
TICK = 2.5


class Dispatch(Protocol):
    """Sends workers to a round."""

    def __call__(self, label: Label, waiting: int, attached: Iterable[str] | None = None) -> None:
        """Send workers to a round that waits for `waiting` slaves.

        `attached` names the workers that are at the run already, if it is known.
        """


#: Called with each committed round and its entry in the history.
Report = Callable[[Label, Mapping[str, Any]], None]


class OpenRound:
    """A round on its way: whether it is closed, its sum, and when it was opened (seconds)."""

    def __init__(self, reduction: Reduction, opened: float) -> None:
        self.reduction, self.opened = reduction, opened
        self.closed = False

    @property
    def label(self) -> Label:
        """Its kind and number."""
        return self.reduction.label


class Rounds:
    """The rounds of one run that are on their way, under a lease that the caller holds.

    Every method raises `RoundFailedError` if a round can't be completed with a quorum, and
    `LeaseLostError` if another master has taken over.
    """

    def __init__(
        self,
        store: MasterStore,
        config: RunConfig,
        *,
        dispatch: Dispatch,
        report: Report,
        clock: Callable[[], float],
    ) -> None:
        self._store, self._config = store, config
        self._dispatch, self._report, self._clock = dispatch, report, clock
        self._open: list[OpenRound] = []
        self._cursor = store.last_event()
        self._next_tick = 0.0

    def of_kind(self, kind: Kind) -> list[OpenRound]:
        """List those of a kind, in the order in which they were opened."""
        return [round_ for round_ in self._open if round_.label.kind is kind]

    def open(self, reduction: Reduction, task: Mapping[str, str]) -> OpenRound:
        """Open a round for the slaves of a sum; `task` is what they are given to do."""
        label, slaves = reduction.label, reduction.slaves
        opened = self._clock()
        opening = self._store.open_round(
            label,
            slaves,
            quorum=self._config.required(len(slaves)),
            timeout_ms=self._config.round_timeout_ms,
            extra={"kind": label.kind, "number": str(label.number), **task},
        )
        round_ = OpenRound(reduction, opened)
        self._open.append(round_)
        if opening is Opening.ADOPTED:
            # A master before opened it: no event will tell how far it is.
            self._tend(round_)
        self._dispatch(label, len(slaves))
        return round_

    def pump(self) -> None:
        """Wait for something to happen, and let every round get ahead."""
        if self._clock() >= self._next_tick:
            self._tick()
        for event in self._store.wait(self._cursor, max(0.0, self._next_tick - self._clock())):
            self._cursor = event.id
            for round_ in self._open:
                if event.round != str(round_.label):
                    continue
                if event.type == "closed":
                    round_.closed = True
                if event.type in ("arrived", "closed"):
                    self._advance(round_)
                if event.type == "failed":
                    self._tend(round_)

    def commit(
        self,
        done: OpenRound,
        entry: Mapping[str, Any],
        *,
        progress: Mapping[str, str],
        artifacts: Mapping[str, Artifact] | None = None,
        keep: Sequence[str] = (),
        drop: Iterable[str] = (),
    ) -> None:
        """Make a round's outcome the run's state; see `MasterStore.commit`.

        `entry` is what its history says beside what all rounds' do.
        """
        full = {
            "slaves": done.reduction.counted,
            "samples": done.reduction.samples,
            "missing": done.reduction.missing,
            "refused": done.reduction.refused,
            "ms": round((self._clock() - done.opened) * 1000, 3),
            **entry,
        }
        commit = self._store.commit(
            done.label,
            entry=full,
            progress=progress,
            slaves=done.reduction.slaves,
            artifacts=artifacts,
            keep=keep,
            drop=drop,
        )
        if commit is Commit.STALE:
            raise RoundFailedError(
                f"round {done.label} is gone from Redis: the server has lost its newest data"
            )
        self._open.remove(done)
        self._report(done.label, full)

    def _tick(self) -> None:
        """Look after all that no event tells of."""
        for round_ in self._open:
            if not round_.reduction.complete:
                tending = self._tend(round_)
                if not round_.closed:
                    waiting = len(round_.reduction.slaves) - tending.arrived
                    self._dispatch(round_.label, waiting, tending.attached)
        # The lease is prolonged here, so well before it ends.
        self._next_tick = self._clock() + min(TICK, self._config.lease_ms / 2000)

    def _tend(self, round_: OpenRound) -> Tending:
        """Ask Redis how a round stands."""
        kind = job_kind(round_.label, self._config.rounds)
        tending = self._store.tend(round_.label, kind)
        round_.closed = tending.state is RoundState.CLOSED
        if round_.closed or tending.arrived > round_.reduction.counted:
            self._advance(round_)
        if tending.state is RoundState.BELOW_QUORUM:
            raise self._failure(round_, "can't be completed")
        return tending

    def _advance(self, round_: OpenRound) -> None:
        round_.reduction.advance(self._store, closed=round_.closed)
        reduction = round_.reduction
        if reduction.complete and reduction.counted < self._required(round_):
            failure = self._failure(round_, "has too few updates that can be counted")
            # So that whoever goes on with the run asks these slaves again.
            self._store.refuse(round_.label, reduction.refused)
            raise failure

    def _required(self, round_: OpenRound) -> int:
        return self._config.required(len(round_.reduction.slaves))

    def _failure(self, round_: OpenRound, how: str) -> RoundFailedError:
        reduction, store = round_.reduction, self._store
        arrived = store.arrived(round_.label, reduction.slaves)
        missing = [slave for slave in reduction.slaves if slave not in arrived]
        names = ", ".join(missing[:10]) + (", …" if len(missing) > 10 else "")
        reasons = [f"slave {slave}: {why}" for slave, why in reduction.refused.items()]
        reasons += store.last_errors(missing[:3])
        counted = len(arrived) - len(reduction.refused)
        return RoundFailedError(
            f"round {round_.label} {how}: {counted} of {len(reduction.slaves)} slaves counted, "
            f"{self._required(round_)} needed"
            + (f"; missing: {names}" if missing else "")
            + "".join(f"; {reason}" for reason in reasons)
        )
