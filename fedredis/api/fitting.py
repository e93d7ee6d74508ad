"""A model fitted in one process on the rows of some slaves, as if there were no federation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis import assembly
from fedredis.errors import UsageError
from fedredis.models.protocol import SecondOrderModel
from fedredis.strategies import Global, Returned
from fedredis.strategies.local import LocalSlave, LocalWork
from fedredis.strategies.newton import Newton

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from fedredis.codec import Arrays
    from fedredis.config import RunConfig
    from fedredis.data.partition import Partition
    from fedredis.features.protocol import Features, Known
    from fedredis.models.protocol import Model

    #: Inputs (n, width) and labels (n,) of each slave.
    Inputs = Sequence[tuple[NDArray[Any], NDArray[Any]]]

#: Newton's method takes ten steps as a rule, and forty where a class is missing and its intercept
#: has no optimum. What further ones would change is rounding.
MOST_STEPS = 100


@dataclass(frozen=True, eq=False)
class Fit:
    """A model, with the preprocessing that was learnt from the same rows."""

    features: Features
    known: Known
    model: Model
    parameters: Arrays
    #: The columns (d,) that had no cell at all to learn from.
    blank: NDArray[np.bool_]
    #: ``newton`` if the parameters are the optimum, else ``sgd``.
    solver: str

    def predict(self, X: NDArray[Any]) -> NDArray[Any]:
        """Predict for rows X (n, columns): probabilities (n, classes), or numbers (n, 1)."""
        return self.model.predict(self.parameters, self._inputs(X))

    def _inputs(self, X: NDArray[Any]) -> NDArray[Any]:
        return self.features.transform(self.known, _without(self.blank, X))


def fit(
    config: RunConfig,
    parts: Sequence[Partition],
    *,
    rounds: int,
    name: str,
    allowed: Collection[str] = (),
) -> Fit:
    """Fit the model of a run on the rows that some slaves train on, taken together.

    Where the model has second derivatives, and not too many, it is fitted exactly, by Newton's
    method with the run's L2 penalty. Else it goes through the epochs of so many rounds of SGD
    with the run's settings.

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
    blank = np.all([np.isnan(part.train_X).all(axis=0) for part in parts], axis=0)
    features = assembly.features_of(config)
    known = learn(features, [_without(blank, part.train_X) for part in parts])
    model = assembly.model_of(config, known, allowed)
    inputs = [
        (features.transform(known, _without(blank, part.train_X)), part.train_y) for part in parts
    ]
    first = model.initialise(np.random.default_rng([config.seed, 0]))
    if _has_optimum(model):
        parameters, solver = _newton(config, model, first, inputs), "newton"
    else:
        parameters, solver = _sgd(config, model, first, inputs, rounds, name), "sgd"
    return Fit(features, known, model, parameters, blank, solver)


def learn(features: Features, rows: Sequence[NDArray[Any]]) -> Known:
    """Go through the passes of a feature map over the rows X (n, columns) of each slave.

    The sums are added in the order given, so to the bits that a run comes to.
    """
    known: Known = {}
    while (name := features.next_pass(known)) is not None:
        total = features.schema(name).zeros()
        for X in rows:
            _add(total, features.sums(name, known, X))
        known = features.learn(name, known, total)
    return known


def _has_optimum(model: Model) -> bool:
    """Say whether Newton's method can find the optimum."""
    if not isinstance(model, SecondOrderModel):
        return False
    try:
        Newton().schema(model)
    except UsageError:  # its Hessian is too large
        return False
    return True


def _newton(config: RunConfig, model: Model, first: Arrays, inputs: Inputs) -> Arrays:
    strategy, measure, settings = Newton(), assembly.measure_of(config), config.training(1)
    current = Global(first, strategy.initial(model))
    samples = sum(len(y) for _, y in inputs)
    unused = np.random.default_rng(0)
    for _ in range(MOST_STEPS):
        total = strategy.schema(model).zeros()
        # One by one, so that there is one Hessian beside the sum.
        for X, y in inputs:
            slaves = [LocalSlave(X, y, unused)]
            (update,) = strategy.local(LocalWork(model, current, settings, measure, slaves))
            _add(total, update)
        before, everyone = current, Returned(total, samples, counted=1, slaves=1)
        current = strategy.move(model, before, everyone, settings)
        if strategy.converged(before, current):
            break
    return current.parameters


def _sgd(
    config: RunConfig, model: Model, first: Arrays, inputs: Inputs, rounds: int, name: str
) -> Arrays:
    X, y = (np.concatenate(arrays) for arrays in zip(*inputs, strict=True))
    parameters = first
    for number in range(1, rounds + 1):
        rng = config.local_rng(number, name)
        parameters = model.train(parameters, X, y, config.training(number), rng)
    return parameters


def _without(blank: NDArray[np.bool_], X: NDArray[Any]) -> NDArray[Any]:
    """Return rows X (n, columns) with the same number, whatever it is, all down some columns."""
    return np.where(blank, 0.0, X) if blank.any() else X


def _add(total: Arrays, terms: Arrays) -> None:
    for array, term in zip(total, terms, strict=True):
        array += term
