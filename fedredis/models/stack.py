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
    Xs: Sequence[NDArray[Any]],
    ys: Sequence[NDArray[Any]],
    settings: TrainingSettings,
    rngs: Sequence[np.random.Generator],
    terms: Sequence[GradientTerm] = (),
    weights: Sequence[NDArray[Any]] = (),
) -> list[Arrays]:
    """Return each slave's trained parameters, with a term, or rows' weights, if any are given.

    To the same bits, whether the model works for several slaves at once or not.

    Raises
    ------
    FedredisError
        If the model returns what is not of its own schema.
    """
    more = (terms,) if terms else ()
    weighs: dict[str, Any] = {"weights": weights} if weights else {}
    stacked = _stacked(model, "train")
    trained: list[Arrays]
    asked = ("term",) * bool(terms) + ("weights",) * bool(weights)
    if stacked is not None and takes(stacked, *asked):
        trained = stacked(parameters, Xs, ys, settings, rngs, *more, **weighs)
    else:
        each = list(zip(Xs, ys, rngs, *more, strict=True))
        weighed: list[dict[str, Any]] = [{"weights": w} for w in weights] or [{}] * len(each)
        trained = [
            model.train(parameters, X, y, settings, *rest, **its)
            for (X, y, *rest), its in zip(each, weighed, strict=True)
        ]
    shapes = [field.shape for field in model.schema().fields]
    for arrays in trained:
        found = [getattr(array, "shape", None) for array in arrays]
        if found != shapes:
            raise FedredisError(
                f"the model's train returned arrays {found}, its schema says {shapes}"
            )
    return trained


def predict(model: Model, parameters: Arrays, Xs: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return the predictions (k, n, outputs) for k slaves' inputs (n, width).

    Raises
    ------
    FedredisError
        If they are not a line for each row.
    """
    stacked = _stacked(model, "predict")
    predictions = (
        stacked(parameters, Xs)
        if stacked is not None
        else np.stack([np.asarray(model.predict(parameters, X)) for X in Xs])
    )
    if predictions.ndim != 3 or predictions.shape[:2] != (len(Xs), len(Xs[0])):
        raise FedredisError(
            f"the model's predict returned {predictions.shape[1:]} for {len(Xs[0])} rows, and not "
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
