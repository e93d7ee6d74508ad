"""What a model must offer. It works on arrays and knows neither Redis nor RQ.

`Model` is all that federated averaging needs. The other protocols are what some strategies ask
for beyond it, and what makes many small slaves fast. Labels are numbers of classes, or
standardised: less their mean, over their standard deviation.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Schema


#: What `Model.train` is called with, itself left out.
TRAIN_ARGUMENTS = 5


@dataclass(frozen=True)
class TrainingSettings:
    """How a slave trains in one round of minibatch SGD."""

    local_epochs: int
    batch_size: int
    learning_rate: float
    #: L2 penalty: ``l2 / 2 * ||W||^2`` is added to the mean loss; the intercept is not penalised.
    l2: float


@dataclass(frozen=True)
class GradientTerm:
    """What a strategy adds to the gradient of each local step.

    At parameters w, with w_0 those that the slave was sent:
    ``proximal (w - w_0) + correction``.
    """

    proximal: float = 0.0
    #: Arrays of the parameters' shapes.
    correction: Arrays | None = None


@dataclass(frozen=True)
class Derivatives:
    """A loss, summed over rows, with its derivatives by the p parameters in schema order."""

    loss: float
    #: (p,)
    gradient: NDArray[Any]
    #: The upper triangle, row by row, (p (p + 1) / 2,): see `fedredis.models.triangle`.
    hessian: NDArray[Any]


@dataclass(frozen=True)
class DerivativeBounds:
    """What a row adds to `Derivatives` at most, as absolute values."""

    loss: float
    gradient: NDArray[Any]
    hessian: NDArray[Any]


@runtime_checkable
class Model(Protocol):
    """A model with a fixed schema of parameters. It never changes its own state.

    It is made with the number of inputs and of classes: ``Model(width, classes)``; 0 classes say
    that labels are numbers.
    """

    def schema(self) -> Schema:
        """Describe the parameters."""

    def initialise(self, rng: np.random.Generator) -> Arrays:
        """Make the parameters that the first round starts from."""

    def train(
        self,
        parameters: Arrays,
        X: NDArray[Any],
        y: NDArray[Any],
        settings: TrainingSettings,
        rng: np.random.Generator,
    ) -> Arrays:
        """Return new parameters, trained on inputs X (n, width) and labels y (n,), n >= 1.

        Same arguments, same generator state: the same bits.

        A model that can weigh rows also takes ``weights`` (n,), by its name, or None: the loss is
        then ``1 / n sum_i weights_i loss_i``.
        """

    def predict(self, parameters: Arrays, X: NDArray[Any]) -> NDArray[Any]:
        """Predict for inputs X (n, width): probabilities (n, classes), or numbers (n, 1)."""


@runtime_checkable
class SteeredModel(Model, Protocol):
    """A model whose local steps a strategy can steer by a term added to their gradients."""

    def train(
        self,
        parameters: Arrays,
        X: NDArray[Any],
        y: NDArray[Any],
        settings: TrainingSettings,
        rng: np.random.Generator,
        term: GradientTerm | None = None,
        *,
        weights: NDArray[Any] | None = None,
    ) -> Arrays:
        """Train as `Model` does, with `term`, if there is one, added to every gradient."""


@runtime_checkable
class SecondOrderModel(Model, Protocol):
    """A model that knows the first two derivatives of its loss."""

    def derivatives(
        self,
        parameters: Arrays,
        X: NDArray[Any],
        y: NDArray[Any],
        weights: NDArray[Any] | None = None,
    ) -> Derivatives:
        """Sum the loss and its derivatives over rows X (n, width), y (n,), without the penalty.

        Each row counts as often as its weight (n,) says, once without any.
        """

    def derivative_bounds(
        self, parameters: Arrays, inputs: NDArray[Any], label: float
    ) -> DerivativeBounds:
        """Bound them a row of weight 1, of inputs up to `inputs` (width,), labels to `label`."""

    def penalised(self) -> Arrays:
        """Return 1 for each parameter that the L2 penalty is on, 0 for the others."""


@runtime_checkable
class StackedModel(Model, Protocol):
    """A model that works for several slaves at once, to the same bits as for each alone."""

    def train_stack(
        self,
        parameters: Arrays,
        X: NDArray[Any],
        y: NDArray[Any],
        settings: TrainingSettings,
        rngs: Sequence[np.random.Generator],
        terms: Sequence[GradientTerm] = (),
        *,
        weights: NDArray[Any] | None = None,
    ) -> Arrays:
        """Return what `train` does for each of k slaves, as stacks (k, …).

        Inputs are X (k, n, width), labels y (k, n), weights (k, n).
        """

    def predict_stack(self, parameters: Arrays, X: NDArray[Any]) -> NDArray[Any]:
        """Return what `predict` does for each of them: (k, n, outputs)."""


def takes(train: Callable[..., Any], *more: str) -> bool:
    """Say whether a model's `train` can be given a ``term`` as sixth, or ``weights`` by name."""
    return _binds(getattr(train, "__func__", train), hasattr(train, "__func__"), more)


@lru_cache(maxsize=256)
def _binds(train: Callable[..., Any], bound: bool, more: tuple[str, ...]) -> bool:
    # Looked up once: it takes longer than a short round.
    named = dict.fromkeys(more)
    sixth = [named.pop("term")] if "term" in named else []
    try:
        inspect.signature(train).bind(*range(bound + TRAIN_ARGUMENTS), *sixth, **named)
    except (TypeError, ValueError):
        return False
    return True


def lacks(model: Model, protocol: type) -> str:
    """Say what a model would need to follow one of the protocols; nothing if it does."""
    methods = [name for name in dir(protocol) if not name.startswith("_")]
    missing = [name for name in methods if not callable(getattr(model, name, None))]
    if missing:
        return f"the method {', '.join(missing)}"
    # By name: for `issubclass` any model is one, as it looks at no arguments.
    if SteeredModel in protocol.__mro__ and not takes(model.train, "term"):
        return "a sixth argument of train, the term to add to every gradient"
    return ""
