"""Multinomial logistic regression, trained by minibatch SGD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis import metrics
from fedredis.codec import Field, Schema

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.codec import Arrays
    from fedredis.models.protocol import TrainingSettings


@dataclass(frozen=True)
class LogisticRegression:
    """Multinomial logistic regression from `width` inputs to `classes` classes.

    The probabilities of a row x are ``softmax(x W + b)``. The parameters are one array,
    ``weights`` (width + 1, classes): W, and the intercept b in the last row. The loss over a
    batch of n rows with labels y is the mean log loss and an L2 penalty on W::

        loss = -1/n sum_i log softmax(x_i W + b)[y_i] + l2 / 2 ||W||^2
    """

    width: int
    classes: int

    def schema(self) -> Schema:
        """Describe the parameters."""
        return Schema((Field("weights", "<f8", (self.width + 1, self.classes)),))

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
    ) -> Arrays:
        """Return new parameters, trained on inputs X (n, width) and labels y (n,), n >= 1.

        Each epoch shuffles the rows and takes one step a batch, the last and short one
        included. With P the probabilities of a batch of n rows and Y its one-hot labels::

            W <- (1 - learning_rate l2) W - learning_rate / n X^T (P - Y)
            b <- b - learning_rate / n sum_rows (P - Y)

        (Bottou, Curtis and Nocedal, Optimization Methods for Large-Scale Machine Learning,
        SIAM Review 60(2), 2018, section 4.1.)
        """
        # Everything is held with classes first: NumPy then runs along the rows, not along the
        # few classes, which is where the time of a batch this small would go.
        W = np.ascontiguousarray(parameters[0][:-1].T)
        b = parameters[0][-1][:, np.newaxis].copy()
        one_hot = (np.arange(self.classes)[:, np.newaxis] == y).astype(np.float64)
        n, size = len(y), settings.batch_size
        kept = 1 - settings.learning_rate * settings.l2
        shuffled, gradient = np.empty_like(X, order="C"), np.empty_like(W)
        for _ in range(settings.local_epochs):
            order = rng.permutation(n)
            np.take(X, order, axis=0, out=shuffled, mode="clip")  # "raise" would copy once more
            labels = one_hot[:, order]
            for start in range(0, n, size):
                batch = shuffled[start : start + size]
                residual = _softmax(np.dot(W, batch.T), b)
                residual -= labels[:, start : start + size]
                residual *= settings.learning_rate / len(batch)
                np.dot(residual, batch, out=gradient)
                W *= kept
                W -= gradient
                b -= np.add.reduce(residual, axis=1, keepdims=True)
        return [np.concatenate((W, b), axis=1).T.copy()]

    def predict(self, parameters: Arrays, X: NDArray[Any]) -> NDArray[Any]:
        """Return the probability of each class (n, classes) for inputs X (n, width)."""
        weights = parameters[0]
        return _softmax(np.dot(weights[:-1].T, X.T), weights[-1][:, np.newaxis]).T

    def evaluate(self, parameters: Arrays, X: NDArray[Any], y: NDArray[Any]) -> Arrays:
        """Return the sums that metrics are made of (see `fedredis.metrics`), n may be 0."""
        return metrics.sums(self.predict(parameters, X), y)


def _softmax(logits: NDArray[Any], intercept: NDArray[Any]) -> NDArray[Any]:
    """Turn logits (classes, n), in place, into ``softmax(logits + intercept)``.

    The largest logit of a row is taken off first, so that nothing overflows.
    """
    logits += intercept
    logits -= np.maximum.reduce(logits, axis=0)
    np.exp(logits, out=logits)
    logits /= np.add.reduce(logits, axis=0)
    return logits
