"""The round loop: the master's part of a run, from where it stands to its end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

from fedredis import metrics
from fedredis.codec import Schema
from fedredis.errors import RoundFailedError
from fedredis.keys import Kind, Label, job_kind
from fedredis.reduction import Reduction
from fedredis.store.artifact import Artifact
from fedredis.store.results import Commit, Opening, RoundState
from fedredis.update import Bound

if TYPE_CHECKING:
    from fedredis.codec import Arrays
    from fedredis.config import RunConfig
    from fedredis.features.protocol import Features, Known
    from fedredis.models.protocol import Model
    from fedredis.store.master import MasterStore, Tending
    from fedredis.strategies import Strategy

#: Seconds between two looks at leases, deadlines and workers; events come at once.
TICK = 2.5
#: How many models before the newest are kept, since they may still be under test.
MODELS_UNDER_TEST = 1


class Dispatch(Protocol):
    """Sends workers to a round."""

    def __call__(self, label: Label, waiting: int, attached: Iterable[str] | None = None) -> None:
        """Send workers to a round that waits for `waiting` slaves.

        `attached` names the workers that are at the run already, if it is known.
        """


#: Called with each committed round and its entry in the history.
Report = Callable[[Label, Mapping[str, Any]], None]


@dataclass(frozen=True)
class Progress:
    """Where a run stands: what a master needs to go on."""

    #: The last committed round of training, 0 before the first.
    round: int
    parameters: Arrays
    #: How many statistics rounds are committed, and what came of them.
    passes: int
    known: Known
    #: Committed rounds whose model still has to be tested.
    untested: tuple[int, ...] = ()


class _Round:
    """A round on its way: whether it is closed, its sum, and when it was opened (seconds)."""

    def __init__(self, reduction: Reduction, opened: float) -> None:
        self.reduction, self.opened = reduction, opened
        self.closed = False

    @property
    def label(self) -> Label:
        return self.reduction.label


class Coordinator:
    """Drives one run under a lease that the caller holds."""

    def __init__(
        self,
        store: MasterStore,
        config: RunConfig,
        features: Features,
        model: Model,
        strategy: Strategy,
        *,
        dispatch: Dispatch,
        report: Report,
        clock: Callable[[], float],
    ) -> None:
        self._store, self._config = store, config
        self._features, self._model, self._strategy = features, model, strategy
        self._dispatch, self._report, self._clock = dispatch, report, clock
        self._rounds: list[_Round] = []
        self._cursor = b"0-0"
        self._next_tick = 0.0

    def drive(self, progress: Progress) -> None:
        """Go from where the run stands to its end.

        Raises
        ------
        RoundFailedError
            If a round can't be completed with a quorum.
        LeaseLostError
            If another master has taken over.
        """
        self._cursor = self._store.last_event()
        _, passes = self._gather_statistics(progress.known, progress.passes)
        preprocessing = f"preprocessing:{passes}"

        for number in progress.untested:
            self._open_evaluation(number, preprocessing)
        committed, parameters = progress.round, progress.parameters
        # Or the model that the run began with would stay in memory to its end.
        del progress
        for number in range(committed + 1, self._config.rounds + 1):
            training = self._open_training(number, preprocessing, parameters)
            self._complete(training)
            while self._tested_late(number):
                self._pump()
            parameters = self._commit_training(training, parameters)
            self._open_evaluation(number, preprocessing)
        while self._evaluations():
            self._pump()

    # Step 1: what the features need to know of all rows, in sums.

    def _gather_statistics(self, known: Known, passes: int) -> tuple[Known, int]:
        while (name := self._features.next_pass(known)) is not None:
            extra = {"payload": f"preprocessing:{passes}", "pass": name}
            passes += 1
            gathering = self._open(
                Label(Kind.STATISTICS, passes), self._features.schema(name), extra
            )
            self._complete(gathering)
            known = self._features.learn(name, known, gathering.reduction.total)
            artifact = Artifact(Schema.of(**known), list(known.values()))
            self._commit(
                gathering,
                {"pass": name},
                progress={"preprocessing": f"preprocessing:{passes}"},
                artifact=(f"preprocessing:{passes}", artifact),
                drop=(f"preprocessing:{passes - 1}",),
            )
        return known, passes

    # Step 2: slaves train the global model on their own rows.

    def _open_training(self, number: int, preprocessing: str, parameters: Arrays) -> _Round:
        settings = self._config.training(number)
        return self._open(
            Label(Kind.TRAIN, number),
            self._model.schema(),
            {
                "payload": f"model:{number - 1}",
                "preprocessing": preprocessing,
                "settings": json.dumps(asdict(settings)),
            },
            bound=Bound(parameters, self._config.max_norm),
        )

    # Step 3: the global model moves.

    def _commit_training(self, training: _Round, current: Arrays) -> Arrays:
        number = training.label.number
        reduction = training.reduction
        parameters = self._strategy.aggregate(current, reduction.total, reduction.samples)
        name = f"model:{number}"
        self._commit(
            training,
            {"learning_rate": self._config.training(number).learning_rate},
            progress={"round": str(number), "model": name},
            artifact=(name, Artifact(self._model.schema(), parameters)),
            drop=(f"model:{number - MODELS_UNDER_TEST - 1}",),
        )
        return parameters

    # Step 4: slaves test it on rows held out, while the next round of training goes on.

    def _open_evaluation(self, number: int, preprocessing: str) -> _Round:
        return self._open(
            Label(Kind.EVALUATE, number),
            metrics.schema(len(self._config.classes)),
            {"payload": f"model:{number}", "preprocessing": preprocessing},
        )

    def _commit_evaluation(self, evaluation: _Round) -> None:
        result = asdict(metrics.from_sums(evaluation.reduction.total))
        self._commit(evaluation, result, progress={"accuracy": repr(result["accuracy"])})

    def _tested_late(self, number: int) -> bool:
        """Say whether a model is under test that the commit of round `number` would drop."""
        oldest = number - MODELS_UNDER_TEST
        return any(round_.label.number < oldest for round_ in self._evaluations())

    def _evaluations(self) -> list[_Round]:
        return [r for r in self._rounds if r.label.kind is Kind.EVALUATE]

    # What every round goes through.

    def _open(
        self,
        label: Label,
        schema: Schema,
        extra: Mapping[str, str],
        bound: Bound | None = None,
    ) -> _Round:
        slaves = self._config.slave_ids
        opened = self._clock()
        opening = self._store.open_round(
            label,
            slaves,
            quorum=self._config.required,
            timeout_ms=self._config.round_timeout_ms,
            extra={"kind": label.kind, "number": str(label.number), **extra},
        )
        round_ = _Round(Reduction(label, schema, slaves, bound), opened)
        self._rounds.append(round_)
        if opening is Opening.ADOPTED:
            # A master before opened it: no event will tell how far it is.
            self._tend(round_)
        self._dispatch(label, len(slaves))
        return round_

    def _complete(self, awaited: _Round) -> None:
        while not awaited.reduction.complete:
            self._pump()

    def _pump(self) -> None:
        """Wait for something to happen, and let every round on its way get ahead."""
        if self._clock() >= self._next_tick:
            self._tick()
        for event in self._store.wait(self._cursor, max(0.0, self._next_tick - self._clock())):
            self._cursor = event.id
            for round_ in self._rounds:
                if event.round != str(round_.label):
                    continue
                if event.type == "closed":
                    round_.closed = True
                if event.type in ("arrived", "closed"):
                    self._advance(round_)
                if event.type == "failed":
                    self._tend(round_)
        for round_ in self._evaluations():
            if round_.reduction.complete:
                self._commit_evaluation(round_)

    def _tick(self) -> None:
        """Look after all that no event tells of."""
        for round_ in self._rounds:
            if not round_.reduction.complete:
                tending = self._tend(round_)
                if not round_.closed:
                    waiting = len(round_.reduction.slaves) - tending.arrived
                    self._dispatch(round_.label, waiting, tending.attached)
        # The lease is prolonged here, so well before it ends.
        self._next_tick = self._clock() + min(TICK, self._config.lease_ms / 2000)

    def _tend(self, round_: _Round) -> Tending:
        """Ask Redis how a round stands."""
        kind = job_kind(round_.label, self._config.rounds)
        tending = self._store.tend(round_.label, kind)
        round_.closed = tending.state is RoundState.CLOSED
        if round_.closed or tending.arrived > round_.reduction.counted:
            self._advance(round_)
        if tending.state is RoundState.BELOW_QUORUM:
            raise self._failure(round_, "can't be completed")
        return tending

    def _advance(self, round_: _Round) -> None:
        round_.reduction.advance(self._store, closed=round_.closed)
        if round_.reduction.complete and round_.reduction.counted < self._config.required:
            failure = self._failure(round_, "has too few updates that can be counted")
            # So that whoever goes on with the run asks these slaves again.
            self._store.refuse(round_.label, round_.reduction.refused)
            raise failure

    def _commit(
        self,
        done: _Round,
        entry: Mapping[str, Any],
        *,
        progress: Mapping[str, str],
        artifact: tuple[str, Artifact] | None = None,
        drop: tuple[str, ...] = (),
    ) -> None:
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
            artifact=artifact,
            drop=drop,
        )
        if commit is Commit.STALE:
            raise RoundFailedError(
                f"round {done.label} is gone from Redis: the server has lost its newest data"
            )
        self._rounds.remove(done)
        self._report(done.label, full)

    def _failure(self, round_: _Round, how: str) -> RoundFailedError:
        reduction, store = round_.reduction, self._store
        arrived = store.arrived(round_.label, reduction.slaves)
        missing = [slave for slave in reduction.slaves if slave not in arrived]
        names = ", ".join(missing[:10]) + (", …" if len(missing) > 10 else "")
        reasons = [f"slave {slave}: {why}" for slave, why in reduction.refused.items()]
        reasons += store.last_errors(missing[:3])
        counted = len(arrived) - len(reduction.refused)
        return RoundFailedError(
            f"round {round_.label} {how}: {counted} of {len(reduction.slaves)} slaves counted, "
            f"{self._config.required} needed"
            + (f"; missing: {names}" if missing else "")
            + "".join(f"; {reason}" for reason in reasons)
        )
