"""Multinomial logistic regression, trained by minibatch SGD, for one slave or several at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.codec import Field, Schema
from fedredis.errors import UsageError
from fedredis.metrics import classification
from fedredis.models.protocol import Derivatives, GradientTerm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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

    Raises
    ------
    UsageError
        If there are fewer than two classes.
    """

    width: int
    classes: int

    def __post_init__(self) -> None:
        if self.classes < 2:
            raise UsageError("the model 'logistic' needs classes, and the labels are numbers")

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

    def train_steered(
        self,
        parameters: Arrays,
        X: NDArray[Any],
        y: NDArray[Any],
        settings: TrainingSettings,
        rng: np.random.Generator,
        term: GradientTerm,
    ) -> Arrays:
        """Return new parameters, with `term` added to the gradient of every step."""
        (trained,) = self.train_stack(parameters, [X], [y], settings, [rng], [term])
        return trained

    def train_stack(
        self,
        parameters: Arrays,
        Xs: Sequence[NDArray[Any]],
        ys: Sequence[NDArray[Any]],
        settings: TrainingSettings,
        rngs: Sequence[np.random.Generator],
        terms: Sequence[GradientTerm] = (),
    ) -> list[Arrays]:
        """Return new parameters for each slave, all of which have the same number of rows.

        Each epoch shuffles a slave's rows and takes one step a batch, the last and short one
        included. With P the probabilities of a batch of n rows and Y its one-hot labels::

            W <- (1 - learning_rate l2) W - learning_rate / n X^T (P - Y)
            b <- b - learning_rate / n sum_rows (P - Y)

        (Bottou, Curtis and Nocedal, Optimization Methods for Large-Scale Machine Learning,
        SIAM Review 60(2), 2018, section 4.1.) A slave's term, if there are terms, is part of the
        gradient.
        """
        k, (n, width), size = len(Xs), Xs[0].shape, settings.batch_size
        # Everything is held with classes before rows: NumPy then runs along the rows, not along
        # the few classes, which is where the time of a batch this small would go.
        W = np.repeat(parameters[0][np.newaxis, :-1].transpose(0, 2, 1), k, axis=0)
        b = np.repeat(parameters[0][np.newaxis, -1:].transpose(0, 2, 1), k, axis=0)
        one_hots = [(np.arange(self.classes)[:, np.newaxis] == y).astype(np.float64) for y in ys]
        shuffled, labels = np.empty((k, n, width)), np.empty((k, self.classes, n))
        kept, gradient = 1 - settings.learning_rate * settings.l2, np.empty_like(W)
        steer = _steering(W, b, terms, settings.learning_rate)
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
                gradient_b = np.add.reduce(residual, axis=2, keepdims=True)
                if steer:
                    steer(gradient, gradient_b)
                W *= kept
                W -= gradient
                b -= gradient_b
        stack = np.concatenate((W, b), axis=2).transpose(0, 2, 1).copy()
        return [[weights] for weights in stack]

    def derivatives(self, parameters: Arrays, X: NDArray[Any], y: NDArray[Any]) -> Derivatives:
        """Sum the log loss and its derivatives over rows X (n, width), y (n,), n may be 0.

        With rows z = (x, 1), P their probabilities and Y their one-hot labels, parameter (i, a)
        being number ``i classes + a``::

            gradient[i, a]         = sum z_i (P_a - Y_a)
            hessian[(i, a), (j, c)] = sum z_i z_j P_a (1[a = c] - P_c)

        (Böhning, Multinomial Logistic Regression Algorithm, Annals of the Institute of
        Statistical Mathematics 44, 1992.)
        """
        P, k = self.predict(parameters, X), self.classes
        design = np.column_stack((X, np.ones(len(X))))
        residual = P.copy()
        residual[np.arange(len(y)), y] -= 1
        hessian = np.empty((self.width + 1, k, self.width + 1, k))
        for a in range(k):
            for c in range(a, k):
                weight = P[:, a] * ((a == c) - P[:, c])
                block = (design * weight[:, np.newaxis]).T @ design
                hessian[:, a, :, c] = hessian[:, c, :, a] = block
        p = (self.width + 1) * k
        return Derivatives(
            rows=len(y),
            loss=float(self.evaluate(parameters, X, y)[1][0]),
            gradient=(design.T @ residual).reshape(p),
            hessian=hessian.reshape(p, p),
        )

    def penalised(self) -> Arrays:
        """Return 1 for W, 0 for the intercept."""
        mask = np.ones((self.width + 1, self.classes))
        mask[-1] = 0
        return [mask]

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
        return classification.sums_of_stack(self._predict(parameters, np.stack(Xs)), np.stack(ys))


def _steering(
    W: NDArray[Any], b: NDArray[Any], terms: Sequence[GradientTerm], rate: float
) -> Callable[[NDArray[Any], NDArray[Any]], None] | None:
    """Return what adds the terms to a stack of scaled gradients, at the W and b of the moment.

    Stacks are held as in training, (k, classes, width) and (k, classes, 1).
    """
    if not terms:
        return None
    W_sent, b_sent = W.copy(), b.copy()
    proximal = rate * np.array([term.proximal for term in terms])[:, np.newaxis, np.newaxis]
    correction = np.zeros((len(terms), W.shape[2] + 1, W.shape[1]))
    for i, term in enumerate(terms):
        if term.correction is not None:
            correction[i] = rate * term.correction[0]
    # Contiguous, as gradients are: adding a transposed view costs several times as much.
    of_W = np.ascontiguousarray(correction[:, :-1].transpose(0, 2, 1))
    of_b = np.ascontiguousarray(correction[:, -1:].transpose(0, 2, 1))
    pulls = bool(proximal.any())

    def steer(gradient_W: NDArray[Any], gradient_b: NDArray[Any]) -> None:
        gradient_W += of_W
        gradient_b += of_b
        if pulls:
            gradient_W += proximal * (W - W_sent)
            gradient_b += proximal * (b - b_sent)

    return steer


def _softmax(logits: NDArray[Any], intercept: NDArray[Any]) -> NDArray[Any]:
    """Turn logits (k, classes, n), in place, into ``softmax(logits + intercept)``.

    The largest logit of a row is taken off first, so that nothing overflows.
    """
    logits += intercept
    logits -= np.maximum.reduce(logits, axis=1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= np.add.reduce(logits, axis=1, keepdims=True)
    return logits
