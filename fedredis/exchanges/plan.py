"""Which exchanges come next, given what is known: pure policy, the same wherever it is asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fedredis.errors import FedredisError
from fedredis.exchanges import make
from fedredis.exchanges.patience import best_round, out_of_patience
from fedredis.keys import RoundName
from fedredis.metrics.scores import MOST_CLASSES
from fedredis.shares import crowding

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from fedredis.arrays import Named
    from fedredis.exchanges.protocol import Exchange, Reduced, Step
    from fedredis.exchanges.setup import Setup

#: What is known of the features before the first pass.
NOTHING_KNOWN = "preprocessing:0"
#: How many models before the newest are kept, since they may still be under test.
UNDER_TEST = 1
#: What begins the progress of a run whose trees have grown up, and of one where some grow.
GROWN, GROWS = "grown:", "growth:"
#: Why patience was of no use.
NO_TEST = "patience has no complete test to go by: the run's model is that of its last round"


@dataclass(frozen=True)
class Progress:
    """Where a run stands."""

    #: The last committed round of training, 0 before the first.
    round: int = 0
    #: Names of the newest artifacts; before the statistics are gathered there is no model.
    preprocessing: str = NOTHING_KNOWN
    model: str = ""
    converged: bool = False
    #: The arrays that further exchanges read.
    artifacts: Mapping[str, Named] = field(default_factory=lambda: {NOTHING_KNOWN: {}})
    #: The score of each model that was tested: None of a test that does not compete, since slaves
    #: were missing in it, or no rows were held out.
    scores: Mapping[int, float | None] = field(default_factory=dict)
    #: The last level of trees: ``growth:<n>``, their name, or ``grown:<n>`` if they are grown.
    growing: str = ""

    @property
    def best(self) -> int | None:
        """The round whose model did best in its test, the earliest of several."""
        return best_round(self.scores)

    def after(self, step: Step) -> Progress:
        """Return where the run stands after a step."""
        told = step.progress
        return replace(
            self,
            round=int(told.get("round", self.round)),
            preprocessing=told.get("preprocessing", self.preprocessing),
            model=told.get("model", self.model),
            converged=told["converged"] == "1" if "converged" in told else self.converged,
            growing=told.get("growing", self.growing),
            artifacts={**self.artifacts, **step.artifacts},
        )


@dataclass(frozen=True)
class Plan:
    """The course of a run: statistics, then rounds of training, each model tested beside the next.

    A round of training is opened once the models before the newest have been tested, so that when
    a run ends depends on its scores alone, and never on who asked when.
    """

    setup: Setup

    def due(self, progress: Progress, under_way: Collection[RoundName] = ()) -> list[Exchange]:
        """List the exchanges that can begin now, beside those that are under way."""
        names = self.names(progress)
        return [self._make(progress, name) for name in names if name not in under_way]

    def names(self, progress: Progress) -> list[RoundName]:
        """Name the rounds that come next."""
        if not progress.model:
            number = int(progress.preprocessing.partition(":")[2]) + 1
            return [RoundName("statistics", number)]
        names = [RoundName("evaluate", number) for number in self._untested(progress)]
        # Last, and so handed in last: the round after it waits for the tests too.
        if self._trains_on(progress):
            names.append(self._next(progress))
        chosen, classes = self._chosen(progress), len(self.setup.config.classes)
        if not names and chosen and 0 < classes <= MOST_CLASSES:
            names += [RoundName("scores", chosen)] * (f"scores:{chosen}" not in progress.artifacts)
        return names

    def _chosen(self, progress: Progress) -> int:
        """Return the round whose model the run stands for."""
        return (self.setup.config.patience and progress.best) or progress.round

    def _next(self, progress: Progress) -> RoundName:
        """Name the round that training goes on with."""
        return RoundName("train", progress.round + 1)

    def _untested(self, progress: Progress) -> list[int]:
        return [
            number
            for number in range(1, progress.round + 1)
            if number not in progress.scores and f"model:{number}" in progress.artifacts
        ]

    def _trains_on(self, progress: Progress) -> bool:
        config, newest = self.setup.config, progress.round
        if progress.converged or newest >= config.rounds:
            return False
        if any(number <= newest - UNDER_TEST for number in self._untested(progress)):
            return False
        # The newest model is under test while the next one is trained: not waited for.
        return not out_of_patience(progress.scores, config.patience, newest - UNDER_TEST)

    def needed(self, progress: Progress) -> list[str]:
        """Name the artifacts that a run can't go on without."""
        return [name for name in (progress.preprocessing, progress.model) if name]

    def wanted(self, progress: Progress) -> list[str]:
        """Name what else a run may have of artifacts that further exchanges look for."""
        return [f"{what}:{self._chosen(progress)}" for what in ("scores", "model")]

    def reads(self, name: RoundName, progress: Progress) -> dict[str, str]:
        """Name the artifacts that slaves are given in a round, by what they are for."""
        before = name.number - (name.kind == "train")
        names = {"known": progress.preprocessing}
        if name.kind != "statistics":
            names["model"] = f"model:{before}"
        if name.kind == "train" and self.setup.strategy.sends_state:
            names["state"] = f"strategy:{before}"
        return names

    def reads_here(self, name: RoundName, progress: Progress) -> dict[str, str]:
        """Name the artifacts that the master is given, by what they are for."""
        # It reads a strategy's state in any case.
        more = {"state": f"strategy:{name.number - 1}"} if name.kind == "train" else {}
        return {**self.reads(name, progress), **more}

    def _make(self, progress: Progress, name: RoundName) -> Exchange:
        there, reads = progress.artifacts, self.reads_here(name, progress)
        given = {role: there[artifact] for role, artifact in reads.items() if artifact in there}
        for role in ("known", "model"):
            if reads.get(role) and role not in given:
                raise FedredisError(f"the run has lost its {reads[role]}, which {name} needs")
        return make(self.setup, name, given)

    def after(
        self, progress: Progress, exchange: Exchange, step: Step, reduced: Reduced
    ) -> tuple[Progress, Step]:
        """Return where the run stands after a step, and the step with what follows from that."""
        name, best_before = exchange.name, progress.best
        progress, fields = progress.after(step), dict(step.progress)
        done_with: int | None = progress.round - UNDER_TEST - 1
        if name.kind == "evaluate":
            score = step.entry[self.setup.measure.primary] if reduced.complete else None
            progress = replace(progress, scores={**progress.scores, name.number: score})
            if progress.best == name.number:
                fields["best"] = str(name.number)
            done_with = best_before
        drop = step.drop
        if name.kind != "statistics" and self._useless(done_with, progress):
            drop = (*drop, f"model:{done_with}")
        read = {n: a for n, a in progress.artifacts.items() if self._read_again(n, progress)}
        return replace(progress, artifacts=read), replace(step, progress=fields, drop=drop)

    def _useless(self, number: int | None, progress: Progress) -> bool:
        """Say whether the model of a round is neither the best, nor the newest, nor under test."""
        if number is None or number < 0 or number >= progress.round - UNDER_TEST:
            return False
        return number != progress.best

    def _read_again(self, artifact: str, progress: Progress) -> bool:
        """Say whether a further exchange reads an artifact."""
        kind, _, number = artifact.partition(":")
        if kind == "model":
            untested = int(number) > 0 and int(number) not in progress.scores
            return untested or int(number) in (progress.round, self._chosen(progress))
        return kind == "scores" or artifact in (
            progress.preprocessing,
            f"strategy:{progress.round}",
        )

    def ending(self, progress: Progress) -> tuple[str, ...]:
        """Say what may mislead in a run that is over."""
        config = self.setup.config
        without = config.patience and progress.best is None
        crowded = crowding(dict(zip(config.names, config.each, strict=False)))
        return (*((NO_TEST,) if without else ()), *([crowded] if crowded else []))
