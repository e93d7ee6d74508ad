"""Multinomial logistic regression, trained by minibatch SGD, for one slave or several at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis import metrics
from fedredis.codec import Field, Schema

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    Several slaves are trained in one go as a stack of matrices, which spares most of the time
    that NumPy takes to be called. Each matrix of the stack goes through the same operations as
    it would alone, so its result has the same bits.
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
        """Return new parameters, trained on inputs X (n, width) and labels y (n,), n >= 1."""
        (trained,) = self.train_stack(parameters, [X], [y], settings, [rng])
        return trained

    def train_stack(
        self,
        parameters: Arrays,
        Xs: Sequence[NDArray[Any]],
        ys: Sequence[NDArray[Any]],
        settings: TrainingSettings,
        rngs: Sequence[np.random.Generator],
    ) -> list[Arrays]:
        """Return new parameters for each slave, all of which have the same number of rows.

        Each epoch shuffles a slave's rows and takes one step a batch, the last and short one
        included. With P the probabilities of a batch of n rows and Y its one-hot labels::

            W <- (1 - learning_rate l2) W - learning_rate / n X^T (P - Y)
            b <- b - learning_rate / n sum_rows (P - Y)

        (Bottou, Curtis and Nocedal, Optimization Methods for Large-Scale Machine Learning,
        SIAM Review 60(2), 2018, section 4.1.)
        """
        k, (n, width), size = len(Xs), Xs[0].shape, settings.batch_size
        # Everything is held with classes before rows: NumPy then runs along the rows, not along
        # the few classes, which is where the time of a batch this small would go.
        W = np.repeat(parameters[0][np.newaxis, :-1].transpose(0, 2, 1), k, axis=0)
        b = np.repeat(parameters[0][np.newaxis, -1:].transpose(0, 2, 1), k, axis=0)
        one_hots = [(np.arange(self.classes)[:, np.newaxis] == y).astype(np.float64) for y in ys]
        shuffled, labels = np.empty((k, n, width)), np.empty((k, self.classes, n))
        kept, gradient = 1 - settings.learning_rate * settings.l2, np.empty_like(W)
        for _ in range(settings.local_epochs):
            for i, rng in enumerate(rngs):
                order = rng.permutation(n)
                # With mode "raise" NumPy would copy once more.
                np.take(Xs[i], order, axis=0, out=shuffled[i], mode="clip")
                np.take(one_hots[i], order, axis=1, out=labels[i], mode="clip")
            for start in range(0, n, size):
                batch = shuffled[:, start : start + size]
                residual = _softmax(np.matmul(W, batch.transpose(0, 2, 1)), b)
                residual -= labels[:, :, start : start + size]
                residual *= settings.learning_rate / batch.shape[1]
                np.matmul(residual, batch, out=gradient)
                W *= kept
                W -= gradient
                b -= np.add.reduce(residual, axis=2, keepdims=True)
        stack = np.concatenate((W, b), axis=2).transpose(0, 2, 1).copy()
        return [[weights] for weights in stack]

    def predict(self, parameters: Arrays, X: NDArray[Any]) -> NDArray[Any]:
        """Return the probability of each class (n, classes) for inputs X (n, width)."""
        (probabilities,) = self._predict(parameters, X[np.newaxis])
        return np.asarray(probabilities.T)

    def _predict(self, parameters: Arrays, X: NDArray[Any]) -> NDArray[Any]:
        """Return the probabilities (k, classes, n) for a stack of inputs X (k, n, width)."""
        weights = parameters[0]
        W = np.ascontiguousarray(weights[:-1].T)
        return _softmax(np.matmul(W, X.transpose(0, 2, 1)), weights[-1][:, np.newaxis])

    def evaluate(self, parameters: Arrays, X: NDArray[Any], y: NDArray[Any]) -> Arrays:
        """Return the sums that metrics are made of (see `fedredis.metrics`), n may be 0."""
        (sums,) = self.evaluate_stack(parameters, [X], [y])
        return sums

    def evaluate_stack(
        self, parameters: Arrays, Xs: Sequence[NDArray[Any]], ys: Sequence[NDArray[Any]]
    ) -> list[Arrays]:
        """Return those sums for each slave, all of which have the same number of rows."""
        return metrics.sums_of_stack(self._predict(parameters, np.stack(Xs)), np.stack(ys))


def _softmax(logits: NDArray[Any], intercept: NDArray[Any]) -> NDArray[Any]:
    """Turn logits (k, classes, n), in place, into ``softmax(logits + intercept)``.

    The largest logit of a row is taken off first, so that nothing overflows.
    """
    logits += intercept
    logits -= np.maximum.reduce(logits, axis=1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= np.add.reduce(logits, axis=1, keepdims=True)
    return logits
