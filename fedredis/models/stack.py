"""Work of a model for several slaves with the same number of rows, at once if it can do that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.errors import FedredisError
from fedredis.models.protocol import takes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays
    from fedredis.models.protocol import GradientTerm, Model, TrainingSettings


def train(
    model: Model,
    parameters: Arrays,
    X: NDArray[Any],
    y: NDArray[Any],
    settings: TrainingSettings,
    rngs: Sequence[np.random.Generator],
    terms: Sequence[GradientTerm] = (),
    weights: NDArray[Any] | None = None,
) -> Arrays:
    """Return the trained parameters (k, …) of slaves with inputs X (k, n, width), labels y (k, n).

    With a term each, or rows' weights (k, n), if any are given. To the same bits, whether the
    model works for several slaves at once or not.

    Raises
    ------
    FedredisError
        If the model returns what is not of its own schema.
    """
    more = (terms,) if terms else ()
    weighs: dict[str, Any] = {} if weights is None else {"weights": weights}
    stacked = _stacked(model, "train")
    asked = ("term",) * bool(terms) + tuple(weighs)
    if stacked is not None and takes(stacked, *asked):
        trained: Arrays = stacked(parameters, X, y, settings, rngs, *more, **weighs)
        _check(model, trained, len(X))
        return trained
    each = []
    for i, (inputs, labels, rng) in enumerate(zip(X, y, rngs, strict=True)):
        its = {name: of_all[i] for name, of_all in weighs.items()}
        one = (parameters, inputs, labels, settings, rng)
        each.append(model.train(*one, *terms[i : i + 1], **its))
        _check(model, each[-1])
    return [np.stack(arrays) for arrays in zip(*each, strict=True)]


def _check(model: Model, trained: Arrays, *slaves: int) -> None:
    shapes = [(*slaves, *field.shape) for field in model.schema().fields]
    found = [getattr(array, "shape", None) for array in trained]
    if found != shapes:
        raise FedredisError(f"the model's train returned arrays {found}, its schema says {shapes}")


def predict(model: Model, parameters: Arrays, X: NDArray[Any]) -> NDArray[Any]:
    """Return the predictions (k, n, outputs) for k slaves' inputs X (k, n, width).

    Raises
    ------
    FedredisError
        If they are not a line for each row.
    """
    stacked = _stacked(model, "predict")
    predictions = (
        stacked(parameters, X)
        if stacked is not None
        else np.stack([np.asarray(model.predict(parameters, of_slave)) for of_slave in X])
    )
    if predictions.ndim != 3 or predictions.shape[:2] != X.shape[:2]:
        raise FedredisError(
            f"the model's predict returned {predictions.shape[1:]} for {X.shape[1]} rows, and not "
            "a line of probabilities, or of one number, for each"
        )
    return np.asarray(predictions)


def _stacked(model: Model, name: str) -> Callable[..., Any] | None:
    """Return the method for several slaves, unless a subclass has changed that for one alone."""
    for kind in type(model).__mro__:
        if f"{name}_stack" in vars(kind):
            method: Callable[..., Any] = getattr(model, f"{name}_stack")
            return method
        if name in vars(kind):
            break
    return None
