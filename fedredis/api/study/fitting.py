"""A model fitted in one process on the rows of some slaves, as if there were no federation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays import Schema
from fedredis.errors import UsageError
from fedredis.exchanges import Setup
from fedredis.exchanges.here import drive
from fedredis.exchanges.setup import Prepared
from fedredis.models import TREES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named
    from fedredis.config import RunConfig
    from fedredis.exchanges import Exchange, Rows, Step

#: Newton's method takes ten steps as a rule, and forty where a class is missing and its intercept
#: has no optimum. What further ones would change is rounding.
MOST_STEPS = 100


@dataclass(frozen=True, eq=False)
class Fit:
    """A model, with the preprocessing that was learnt from the same rows."""

    setup: Setup
    known: Named
    parameters: Arrays
    #: The columns (d,) that had no cell at all to learn from.
    blank: NDArray[np.bool_]
    #: ``newton`` if the parameters are the optimum, ``boosting`` if they are trees, else ``sgd``.
    solver: str
    schema: Schema

    @property
    def sha256(self) -> str:
        """Digest of the parameters, as a run's outcome has it."""
        return self.schema.sha256(self.parameters)

    def predict(self, X: NDArray[Any]) -> NDArray[Any]:
        """Predict for rows X (n, columns): probabilities (n, classes), or numbers (n, 1)."""
        return self.setup.predict(self.known, self.parameters, _without(self.blank, X))


def fit(
    config: RunConfig,
    parts: Mapping[str, Rows],
    *,
    rounds: int,
    name: str,
    allowed: Collection[str] = (),
) -> Fit:
    """Fit the model of a run on the rows that some slaves train on, taken together.

    Where the model has second derivatives, and not too many, it is fitted exactly, by Newton's
    method with the run's L2 penalty. Trees are grown for as many rounds as the run's. Any other
    model goes through the epochs of so many rounds of SGD with the run's settings, as a single
    slave.

    Parameters
    ----------
    name
        Stands for a slave's id where chances are drawn.
    allowed
        Models of the user's own that may be imported.

    Raises
    ------
    UsageError
        If the model is not allowed here, or can't be made.
    """
    blank = np.all([np.isnan(part.train_X).all(axis=0) for part in parts.values()], axis=0)
    together = {name: _pooled(list(parts.values()), blank)}
    alone = replace(
        config,
        slaves=1,
        names=(name,),
        rows=max(1, len(together[name].train_y)),
        sample=0,
        quorum=0,
        patience=0,
        threshold=0.0,
        each=(),
    )
    models: dict[int, Named] = {}

    def note(exchange: Exchange, step: Step) -> None:
        if "round" in step.progress:
            models[int(step.progress["round"])] = step.artifacts[step.progress["model"]]

    if config.model == TREES:
        # The run's sums have room for the rows of all.
        setup, solver = Setup(replace(alone, rows=config.rows, rounds=rounds), allowed), "boosting"
        progress = drive(setup, together, seen=note)
    else:
        try:
            exact = replace(alone, strategy="newton", options={}, rounds=MOST_STEPS)
            setup, solver = Setup(exact, allowed), "newton"
            setup.check()
            progress = drive(setup, together, seen=note)
        except UsageError:
            # It has no second derivatives, or too many. All rounds say how fast it learns.
            setup, solver = Setup(replace(alone, strategy="fedavg"), allowed), "sgd"
            progress = drive(setup, together, seen=note)
    known = progress.artifacts[progress.preprocessing]
    model = models[rounds if solver == "sgd" else max(models)]
    return Fit(setup, known, list(model.values()), blank, solver, Schema.of(model))


def _pooled(parts: list[Rows], blank: NDArray[np.bool_]) -> Prepared:
    """Put rows together, to train on and none held out."""
    X = np.concatenate([_without(blank, part.train_X) for part in parts])
    y = np.concatenate([part.train_y for part in parts])
    weights = [part.train_w for part in parts if part.train_w is not None]
    return Prepared(X, y, X[:0], y[:0], np.concatenate(weights) if weights else None)


def _without(blank: NDArray[np.bool_], X: NDArray[Any]) -> NDArray[Any]:
    """Return rows X (n, columns) with the same number, whatever it is, all down some columns."""
    return np.where(blank, 0.0, X) if blank.any() else X
