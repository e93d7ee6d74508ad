"""The round loop: the master's part of a run, from where it stands to its end."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from fedredis import assembly
from fedredis.codec import Schema
from fedredis.errors import RoundFailedError
from fedredis.keys import Kind, Label
from fedredis.reduction import Reduction
from fedredis.rounds import Rounds
from fedredis.stopping import best_round, out_of_patience
from fedredis.store.artifact import Artifact
from fedredis.strategies import Global, Returned
from fedredis.update import Bound

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from fedredis.config import RunConfig
    from fedredis.features.protocol import Known
    from fedredis.models.protocol import Model
    from fedredis.rounds import Dispatch, OpenRound, Report
    from fedredis.store.master import MasterStore

#: How many models before the newest are kept, since they may still be under test.
MODELS_UNDER_TEST = 1


@dataclass(frozen=True)
class Progress:
    """Where a run stands: what a master needs to go on."""

    #: The last committed round of training, 0 before the first.
    round: int
    #: The global model after it; None before there is one.
    current: Global | None
    #: How many statistics rounds are committed, and what came of them.
    passes: int
    known: Known
    #: Committed rounds whose model still has to be tested.
    untested: tuple[int, ...] = ()
    #: How good the models tested so far are, by round.
    scores: Mapping[int, float] = field(default_factory=dict)
    #: Whether training has ended, since the strategy has converged.
    converged: bool = False


class Coordinator:
    """Drives one run under a lease that the caller holds."""

    def __init__(
        self,
        store: MasterStore,
        config: RunConfig,
        *,
        dispatch: Dispatch,
        report: Report,
        clock: Callable[[], float],
        allowed: Collection[str] = (),
    ) -> None:
        self._config, self._allowed = config, allowed
        self._features = assembly.features_of(config)
        self._strategy = assembly.strategy_of(config)
        self._measure = assembly.measure_of(config)
        self._rounds = Rounds(store, config, dispatch=dispatch, report=report, clock=clock)
        self._scores: dict[int, float] = {}
        #: The last committed round of training.
        self._trained = 0

    def drive(self, progress: Progress) -> None:
        """Go from where the run stands to its end.

        Raises
        ------
        RoundFailedError
            If a round can't be completed with a quorum.
        LeaseLostError
            If another master has taken over.
        """
        self._scores = dict(progress.scores)
        self._trained = progress.round
        known, passes, current = self._gather_statistics(progress)
        model, preprocessing = self._model(known), f"preprocessing:{passes}"

        for number in progress.untested:
            self._open_evaluation(number, preprocessing)
        converged = progress.converged
        # Or the model that the run began with would stay in memory to its end.
        del progress
        while not converged and self._goes_on():
            training = self._open_training(model, preprocessing, current)
            self._complete(training)
            while self._tested_late(before=self._trained):
                self._pump()
            current, converged = self._commit_training(model, training, current)
            self._open_evaluation(self._trained, preprocessing)
        while self._evaluations():
            self._pump()

    def _goes_on(self) -> bool:
        """Say whether there is another round; whoever asks, and when, makes no difference."""
        if self._config.patience:
            # The newest model is under test while the next one is trained: not waited for.
            while self._tested_late(before=self._trained):
                self._pump()
            if out_of_patience(self._scores, self._config.patience, self._trained - 1):
                return False
        return self._trained < self._config.rounds

    # Step 1: what the features need to know of all rows, in sums; then there is a first model.

    def _gather_statistics(self, progress: Progress) -> tuple[Known, int, Global]:
        known, passes, current = progress.known, progress.passes, progress.current
        while (name := self._features.next_pass(known)) is not None:
            task = {"payload": f"preprocessing:{passes}", "pass": name}
            passes += 1
            gathering = self._rounds.open(
                Reduction(
                    Label(Kind.STATISTICS, passes),
                    self._features.schema(name),
                    self._config.slave_ids,
                ),
                task,
            )
            self._complete(gathering)
            known = self._features.learn(name, known, gathering.reduction.total)
            artifacts = {f"preprocessing:{passes}": _named(known)}
            progress_made = {"preprocessing": f"preprocessing:{passes}"}
            if self._features.next_pass(known) is None:
                model = self._model(known)
                current = self._first(model)
                artifacts |= self._stored(model, current, 0)
                progress_made["model"] = "model:0"
            self._rounds.commit(
                gathering,
                {"pass": name},
                progress=progress_made,
                artifacts=artifacts,
                drop=(f"preprocessing:{passes - 1}",),
            )
        if current is None:
            raise RoundFailedError("the run's first model is gone")
        return known, passes, current

    def _model(self, known: Known) -> Model:
        return assembly.model_of(self._config, known, self._allowed)

    def _first(self, model: Model) -> Global:
        """Make the model that round 1 starts from."""
        parameters = model.initialise(np.random.default_rng([self._config.seed, 0]))
        return Global(parameters, self._strategy.initial(model))

    def _stored(self, model: Model, current: Global, number: int) -> dict[str, Artifact]:
        """Name what is written of the global model after a round."""
        artifacts = {f"model:{number}": Artifact(model.schema(), current.parameters)}
        if current.state:
            artifacts[f"strategy:{number}"] = _named(current.state)
        return artifacts

    # Step 2: slaves train the global model on their own rows.

    def _open_training(self, model: Model, preprocessing: str, current: Global) -> OpenRound:
        number = self._trained + 1
        label, strategy = Label(Kind.TRAIN, number), self._strategy
        bound = Bound(current.parameters, self._config.max_norm) if strategy.points else None
        reduction = Reduction(
            label,
            strategy.schema(model),
            self._config.trainers(number),
            bound,
            collects=strategy.collects,
        )
        task = {
            "payload": f"model:{number - 1}",
            "preprocessing": preprocessing,
            "settings": json.dumps(asdict(self._config.training(number))),
        }
        if strategy.sends_state:
            task["state"] = f"strategy:{number - 1}"
        return self._rounds.open(reduction, task)

    # Step 3: the global model moves.

    def _commit_training(
        self, model: Model, training: OpenRound, current: Global
    ) -> tuple[Global, bool]:
        number, reduction = training.label.number, training.reduction
        settings = self._config.training(number)
        returned = Returned(
            total=reduction.total,
            samples=reduction.samples,
            counted=reduction.counted,
            slaves=self._config.slaves,
            each=reduction.each,
        )
        moved = self._strategy.move(model, current, returned, settings)
        converged = self._strategy.converged(current, moved)
        self._trained = number
        self._rounds.commit(
            training,
            {"learning_rate": settings.learning_rate},
            progress={
                "round": str(number),
                "model": f"model:{number}",
                "converged": str(int(converged)),
            },
            artifacts=self._stored(model, moved, number),
            keep=reduction.contributors if self._strategy.recalls else (),
            drop=(
                f"strategy:{number - 1}",
                *self._useless(number - MODELS_UNDER_TEST - 1),
            ),
        )
        return moved, converged

    def _useless(self, *numbers: int) -> tuple[str, ...]:
        """Name those of these rounds' models that are neither the best nor under test."""
        needed = (
            best_round(self._scores),
            *range(self._trained - MODELS_UNDER_TEST, self._trained + 1),
        )
        return tuple(f"model:{number}" for number in numbers if number not in needed)

    # Step 4: slaves test it on rows held out, while the next round of training goes on.

    def _open_evaluation(self, number: int, preprocessing: str) -> OpenRound:
        label = Label(Kind.EVALUATE, number)
        return self._rounds.open(
            Reduction(label, self._measure.schema(), self._config.slave_ids),
            {"payload": f"model:{number}", "preprocessing": preprocessing},
        )

    def _commit_evaluation(self, evaluation: OpenRound) -> None:
        number = evaluation.label.number
        figures = self._measure.figures(evaluation.reduction.total)
        score = figures[self._measure.primary]
        before = best_round(self._scores)
        self._scores[number] = score
        progress = {"score": repr(score)}
        drop: tuple[str, ...] = ()
        if best_round(self._scores) == number:
            progress["best"] = str(number)
            drop = () if before is None else self._useless(before)
        self._rounds.commit(evaluation, figures, progress=progress, drop=drop)

    def _tested_late(self, before: int) -> bool:
        """Say whether a model of a round before `before` is still under test."""
        return any(round_.label.number < before for round_ in self._evaluations())

    def _evaluations(self) -> list[OpenRound]:
        return self._rounds.of_kind(Kind.EVALUATE)

    def _complete(self, awaited: OpenRound) -> None:
        while not awaited.reduction.complete:
            self._pump()

    def _pump(self) -> None:
        """Let every round get ahead; what is tested is committed at once."""
        self._rounds.pump()
        for evaluation in self._evaluations():
            if evaluation.reduction.complete:
                self._commit_evaluation(evaluation)


def _named(arrays: Known) -> Artifact:
    return Artifact(Schema.of(**arrays), list(arrays.values()))
