"""What a run came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.api.importance import importance
from fedredis.api.notebook import frame_of, html_of
from fedredis.api.report import read_report
from fedredis.arrays import Schema
from fedredis.errors import FedredisError
from fedredis.exchanges import TRAINING, Setup
from fedredis.keys import RoundName
from fedredis.metrics import FIGURES
from fedredis.models import TREES
from fedredis.secure.naming import masked_name
from fedredis.store import runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from redis import Redis


@dataclass(frozen=True, repr=False)
class Outcome:
    """A run's final measure, read from its history."""

    run: str
    slaves: int
    workers: int
    rounds: int
    #: Of a classifier; None where numbers are predicted, or no rows are held out.
    accuracy: float | None
    macro_f1: float | None
    log_loss: float | None
    #: true class by predicted class
    confusion: list[list[int]] | None
    #: From the call to the end of training, and what of it passed before round 1.
    seconds: float
    setup_seconds: float
    #: Milliseconds of a round of training, median and 95th percentile.
    round_ms: dict[str, float]
    weights_sha256: str
    redis_url: str
    #: The round whose model this is: the last one, or with patience the best.
    chosen: int
    #: Where numbers are predicted: R^2, mean squared error, its root, mean absolute error.
    r2: float | None = None
    mse: float | None = None
    rmse: float | None = None
    mae: float | None = None
    #: Of a classifier: the area under the ROC curve, a mean over classes, and class by class
    #: precision, recall, thresholds, calibration; see `fedredis.metrics.scores.report`.
    auc: float | None = None
    report: dict[str, Any] | None = None
    #: What may mislead in all that, a line each.
    warnings: tuple[str, ...] = ()
    #: Of trees: for each column its share of what all splits ``gain``, and how many ``splits``
    #: there are; the one that gains most first.
    importance: list[dict[str, Any]] | None = None
    #: The figures that are drawn.
    _curves: tuple[str, ...] = field(default=(), compare=False)
    #: The history by round, such as ``train:7``.
    _history: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, compare=False)

    @property
    def history(self) -> pd.DataFrame:
        """Each round of training with its figures, as a pandas DataFrame indexed by round."""
        return frame_of({RoundName.parse(name): entry for name, entry in self._history.items()})

    def plain(self) -> dict[str, Any]:
        """Return all fields, as the command line prints them as JSON."""
        return {name: value for name, value in vars(self).items() if name[0] != "_"}

    def _facts(self) -> dict[str, str]:
        """Write what a person looks for first."""
        figures = ((each, getattr(self, name)) for name, each in FIGURES.items())
        told = {each.title: each.write(value) for each, value in figures if value is not None}
        told |= {"rounds": str(self.rounds), "slaves": str(self.slaves)}
        return {"run": self.run, **told, "seconds": f"{self.seconds:.1f}"}

    def __repr__(self) -> str:
        """Write what a person looks for first."""
        told = ", ".join(f"{name.replace(' ', '_')}={v}" for name, v in self._facts().items())
        return f"Outcome({told})"

    def _repr_html_(self) -> str:
        """Write a table and curves, which notebooks show."""
        tests = [entry for name, entry in self._history.items() if name.startswith("evaluate:")]
        curves = {
            name: [entry[name] for entry in tests if isinstance(entry.get(name), int | float)]
            for name in self._curves
        }
        more = {f"warning {i}": line for i, line in enumerate(self.warnings, 1)}
        return html_of({**self._facts(), **more}, curves)


def read_outcome(
    client: Redis,
    run_id: str,
    *,
    workers: int,
    seconds: float,
    setup_seconds: float,
    redis_url: str,
) -> Outcome:
    """Put together the outcome of a run that has been evaluated.

    `workers` is how many there were; 0: as many as the slaves have named.

    Raises
    ------
    FedredisError
        If the run has no evaluated model.
    """
    state = runs.read(client, run_id)
    model = runs.artifact(client, run_id, f"model:{state.chosen}")
    told = runs.slaves(client, run_id)
    history = runs.history(client, run_id)
    test = history.get(RoundName("evaluate", state.chosen))
    rounds = {name: entry["ms"] for name, entry in history.items() if "ms" in entry}
    # Under masks a round is two, one after the other.
    times = [
        ms + rounds.get(masked_name(name), 0.0)
        for name, ms in rounds.items()
        if name.kind in TRAINING
    ]
    if model is None or test is None:
        raise FedredisError(f"run {run_id} has no model that was evaluated")
    report, measure = read_report(client, state, history), Setup(state.config).measure
    p50, p95 = np.percentile(times or [0], [50, 95]).tolist()
    return Outcome(
        run=run_id,
        slaves=state.config.slaves,
        workers=workers or len({b.get("worker") for bundles in told.values() for b in bundles}),
        rounds=state.round,
        **{name: test.get(name) for name in (*FIGURES, "confusion")},
        seconds=round(seconds, 3),
        setup_seconds=round(setup_seconds, 3),
        round_ms={"p50": round(p50, 3), "p95": round(p95, 3)},
        weights_sha256=Schema.of(model).sha256(list(model.values())),
        redis_url=redis_url,
        chosen=state.chosen,
        auc=report["auc"] if report else None,
        report=_brief(report) if report else None,
        warnings=tuple(runs.warnings(client, run_id)),
        _curves=(measure.primary, measure.loss),
        _history={str(name): entry for name, entry in history.items()},
        importance=importance(state.config, model) if state.config.model == TREES else None,
    )


def _brief(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report without its curves, which `fedredis.show` has."""
    classes = [{k: v for k, v in one.items() if k != "roc"} for one in report["classes"]]
    return {**report, "classes": classes}
