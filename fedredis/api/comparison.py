"""Local, federated and pooled models, measured on the same held-out rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from fedredis import assembly
from fedredis.api.fitting import fit
from fedredis.api.outcome import FIGURES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from fedredis.codec import Arrays
    from fedredis.config import RunConfig
    from fedredis.data.partition import Partition
    from fedredis.metrics import Measure

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
    #: How the others were fitted: ``newton``, which is exact, or ``sgd``.
    solver: str
    #: Name of the figure that says it in one number.
    primary: str
    #: Each row by the model of the slave that holds it.
    local: Figures
    #: Each slave's model on all rows, the mean over the models.
    local_everywhere: Figures
    federated: Figures
    pooled: Figures
    #: By id, in order.
    slaves: dict[str, SlaveBaseline]


def compare(
    config: RunConfig,
    parts: Mapping[str, Partition],
    federated: Predict,
    *,
    run: str,
    rounds: int,
    allowed: Collection[str] = (),
    report: Fitted = lambda fitted, models: None,
) -> Baseline:
    """Fit a model on the rows of all slaves, and one on those of each, and test them all.

    Parameters
    ----------
    parts
        The rows of every slave of the run, by id, in order.
    federated
        What predicts with the run's model, that of the round `rounds`.
    allowed
        Models of the user's own that may be imported.
    report
        Called after each fit.
    """
    measure, everyone, models = assembly.measure_of(config), list(parts.values()), 1 + len(parts)
    together = fit(config, everyone, rounds=rounds, name="pooled", allowed=allowed)
    report(1, models)
    of_pooled = _tests(measure, together.predict, everyone)
    of_run = _tests(measure, federated, everyone)
    of_own, slaves = [], {}
    for place, (slave, part) in enumerate(parts.items()):
        alone = fit(config, [part], rounds=rounds, name=slave, allowed=allowed)
        tests = _tests(measure, alone.predict, everyone)
        of_own.append(tests[place])
        slaves[slave] = SlaveBaseline(
            rows=len(part.train_y),
            held_out=len(part.test_y),
            local=_figures(measure, [tests[place]]),
            local_everywhere=_figures(measure, tests),
            federated=_figures(measure, [of_run[place]]),
            pooled=_figures(measure, [of_pooled[place]]),
        )
        report(2 + place, models)
    return Baseline(
        run,
        rounds,
        together.solver,
        measure.primary,
        local=_figures(measure, of_own),
        local_everywhere=_mean([slave.local_everywhere for slave in slaves.values()]),
        federated=_figures(measure, of_run),
        pooled=_figures(measure, of_pooled),
        slaves=slaves,
    )


def _tests(measure: Measure, predict: Predict, parts: Sequence[Partition]) -> list[Arrays]:
    """Return the sums of the test on each slave's held-out rows."""
    return [measure.sums(predict(part.test_X), part.test_y) for part in parts]


def _figures(measure: Measure, tests: Sequence[Arrays]) -> Figures:
    """Compute those figures of some tests together that are one number."""
    total = measure.schema().zeros()
    for test in tests:
        for array, sums in zip(total, test, strict=True):
            array += sums
    figures = measure.figures(total)
    if not figures["rows"]:
        return {}
    return {name: figures[name] for name in FIGURES if name in figures and name != "confusion"}


def _mean(each: Sequence[Figures]) -> Figures:
    return {name: sum(figures[name] for figures in each) / len(each) for name in each[0]}
