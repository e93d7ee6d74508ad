"""Linear regression, by minibatch SGD or, with second derivatives, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays import Field, Schema
from fedredis.errors import UsageError
from fedredis.models import triangle
from fedredis.models.design import products, with_ones
from fedredis.models.protocol import DerivativeBounds, Derivatives

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays
    from fedredis.models.protocol import GradientTerm, TrainingSettings


@dataclass(frozen=True)
class LinearRegression:
    """Least squares from `width` inputs to a number: ``x w + b``.

    The parameters are one array, ``weights`` (width + 1, 1): w, and the intercept b in the last
    row. The loss over n rows is ``1 / (2 n) sum_i (x_i w + b - y_i)^2 + l2 / 2 ||w||^2``. Its
    second derivatives do not depend on the parameters, so that one Newton step from anywhere
    solves the normal equations (Hastie, Tibshirani and Friedman, The Elements of Statistical
    Learning, 2009, section 3.2).

    Raises
    ------
    UsageError
        If there are classes: labels must be numbers.
    """

    width: int
    classes: int = 0

    def __post_init__(self) -> None:
        if self.classes:
            raise UsageError("the model 'linear' predicts numbers, and the labels are classes")

    def schema(self) -> Schema:
        """Describe the parameters."""
        return Schema((Field("weights", "<f8", (self.width + 1, 1)),))

    def initialise(self, rng: np.random.Generator) -> Arrays:
        """Return zeros: the loss is convex, so there is no symmetry for chance to break."""
        return self.schema().zeros()

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
        """Return new parameters, trained on inputs X (n, width) and values y (n,), n >= 1.

        Each epoch shuffles the rows and takes one step a batch, the last and short one included.
        A term is added to the gradient of every step.
        """
        sent = parameters[0]
        moved = sent.copy()
        design = with_ones(X)
        penalty = settings.l2 * self.penalised()[0]
        for _ in range(settings.local_epochs):
            order = rng.permutation(len(y))
            for start in range(0, len(y), settings.batch_size):
                rows = order[start : start + settings.batch_size]
                batch = design[rows]
                error = batch @ moved - y[rows, np.newaxis]
                if weights is not None:
                    error *= weights[rows, np.newaxis]
                gradient = batch.T @ error / len(rows)
                gradient += penalty * moved
                if term is not None:
                    gradient += term.proximal * (moved - sent)
                    if term.correction is not None:
                        gradient += term.correction[0]
                moved -= settings.learning_rate * gradient
        return [moved]

    def derivatives(
        self,
        parameters: Arrays,
        X: NDArray[Any],
        y: NDArray[Any],
        weights: NDArray[Any] | None = None,
    ) -> Derivatives:
        """Sum half the squared error and its derivatives over rows X (n, width), y (n,)."""
        design = with_ones(X)
        error = design @ parameters[0][:, 0] - y
        w = np.ones(len(y)) if weights is None else weights
        weighed = w * error
        return Derivatives(
            loss=float(weighed @ error) / 2,
            gradient=design.T @ weighed,
            hessian=triangle.pack(products(design, w)),
        )

    def derivative_bounds(
        self, parameters: Arrays, inputs: NDArray[Any], label: float
    ) -> DerivativeBounds:
        """Bound them a row, by ``|error| <= sum_i |z_i w_i| + label`` with z = (x, 1)."""
        z = np.append(inputs, 1.0)
        error = float(z @ np.abs(parameters[0][:, 0])) + label
        return DerivativeBounds(error * error / 2, z * error, triangle.outer(z))

    def penalised(self) -> Arrays:
        """Return 1 for w, 0 for the intercept."""
        mask = np.ones((self.width + 1, 1))
        mask[-1] = 0
        return [mask]

    def predict(self, parameters: Arrays, X: NDArray[Any]) -> NDArray[Any]:
        """Return a number (n, 1) for each of the inputs X (n, width)."""
        return np.asarray(with_ones(X) @ parameters[0])
