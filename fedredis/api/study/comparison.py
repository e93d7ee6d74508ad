"""Local, federated and pooled models, measured on the same held-out rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fedredis.api.study.fitting import fit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fedredis.arrays import Arrays, Named
    from fedredis.exchanges import Rows, Setup

#: Figures of a test by name, such as accuracy; empty where there are no rows to test on.
Figures = dict[str, float]

#: Predicts for rows (n, columns): probabilities (n, classes), or numbers (n, 1).
Predict = Callable[[NDArray[Any]], NDArray[Any]]

#: Takes how many models have been fitted, and how many there are.
Fitted = Callable[[int, int], None]


@dataclass(frozen=True)
class SlaveBaseline:
    """The models on one slave's held-out rows."""

    #: How many rows it trains on, and holds out.
    rows: int
    held_out: int
    #: Its own model, and the same on the held-out rows of all slaves.
    local: Figures
    local_everywhere: Figures
    federated: Figures
    pooled: Figures


@dataclass(frozen=True)
class Baseline:
    """The models on the held-out rows of all slaves."""

    run: str
    #: The round whose model the run stands for.
    round: int
    #: How the others were fitted: ``newton``, which is exact, ``boosting`` or ``sgd``.
    solver: str
    #: Name of the figure that says it in one number.
    primary: str
    #: Each row by the model of the slave that holds it.
    local: Figures
    #: Each slave's model on all rows, the mean over the models.
    local_everywhere: Figures
    federated: Figures
    #: Also the digest of its parameters, ``weights_sha256``.
    pooled: dict[str, Any]
    #: By id, in order.
    slaves: dict[str, SlaveBaseline]


def compare(
    setup: Setup,
    known: Named,
    parts: Mapping[str, Rows],
    federated: Predict,
    *,
    run: str,
    rounds: int,
    report: Fitted = lambda fitted, models: None,
) -> Baseline:
    """Fit a model on the rows of all slaves, and one on those of each, and test them all.

    Parameters
    ----------
    known
        What the run's features have learned.
    parts
        The rows of every slave of the run, by id, in order.
    federated
        What predicts with the run's model, that of the round `rounds`.
    report
        Called after each fit.
    """
    test, models = Test(setup, known, list(parts.values())), 1 + len(parts)
    config, allowed = setup.config, setup.allowed
    together = fit(config, parts, rounds=rounds, name="pooled", allowed=allowed)
    report(1, models)
    of_pooled, of_run = test.sums(together.predict), test.sums(federated)
    of_own, slaves = [], {}
    for place, (slave, part) in enumerate(parts.items()):
        alone = fit(config, {slave: part}, rounds=rounds, name=slave, allowed=allowed)
        tests = test.sums(alone.predict)
        of_own.append(tests[place])
        slaves[slave] = SlaveBaseline(
            rows=len(part.train_y),
            held_out=len(part.test_y),
            local=test.figures([tests[place]]),
            local_everywhere=test.figures(tests),
            federated=test.figures([of_run[place]]),
            pooled=test.figures([of_pooled[place]]),
        )
        report(2 + place, models)
    return Baseline(
        run,
        rounds,
        together.solver,
        setup.measure.primary,
        local=test.figures(of_own),
        local_everywhere=_mean([slave.local_everywhere for slave in slaves.values()]),
        federated=test.figures(of_run),
        pooled={**test.figures(of_pooled), "weights_sha256": together.sha256},
        slaves=slaves,
    )


@dataclass(frozen=True, eq=False)
class Test:
    """Tests of models on the rows that some slaves hold out."""

    setup: Setup
    known: Named
    parts: Sequence[Rows]

    def sums(self, predict: Predict) -> list[Arrays]:
        """Return the sums of a test on each slave's rows."""
        measure, numbers = self.setup.measure, not self.setup.config.classes
        tests = []
        for part in self.parts:
            found, y = predict(part.test_X), part.test_y
            if numbers:
                mean, scale = self.known["label_mean"], self.known["label_scale"]
                found, y = (found - mean) / scale, (y - mean) / scale
            sums = measure.sums(found[np.newaxis], y[np.newaxis])
            tests.append([stack[0] for stack in sums])
        return tests

    def figures(self, tests: Sequence[Arrays]) -> Figures:
        """Compute those figures of some tests together that are one number."""
        measure = self.setup.measure
        total = [np.sum(arrays, axis=0) for arrays in zip(*tests, strict=True)]
        found = measure.summary(total, self.known)
        return {name: found[name] for name in measure.figures} if found["rows"] else {}


def _mean(each: Sequence[Figures]) -> Figures:
    return {name: sum(figures[name] for figures in each) / len(each) for name in each[0]}
