"""Multinomial logistic regression, trained by minibatch SGD, for one slave or several at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays import Field, Schema
from fedredis.errors import UsageError
from fedredis.models import triangle
from fedredis.models.design import products, with_ones
from fedredis.models.protocol import DerivativeBounds, Derivatives
from fedredis.models.shuffle import passes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays
    from fedredis.models.protocol import GradientTerm, TrainingSettings

#: Up to so many classes, a product for each class is faster than one of matrices: BLAS copies its
#: arguments first for those.
FEW_CLASSES = 6


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
        term: GradientTerm | None = None,
        *,
        weights: NDArray[Any] | None = None,
    ) -> Arrays:
        """Return new parameters, trained on inputs X (n, width) and labels y (n,), n >= 1."""
        terms = () if term is None else (term,)
        w = None if weights is None else weights[np.newaxis]
        one = X[np.newaxis], y[np.newaxis]
        (trained,) = self.train_stack(parameters, *one, settings, [rng], terms, weights=w)
        return [trained[0]]

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
        """Return new parameters (k, width + 1, classes) for X (k, n, width), y (k, n).

        Each epoch shuffles a slave's rows and takes one step a batch, the last and short one
        included. With P the probabilities of a batch of n rows and Y its one-hot labels::

            W <- (1 - learning_rate l2) W - learning_rate / n X^T (P - Y)
            b <- b - learning_rate / n sum_rows (P - Y)

        (Bottou, Curtis and Nocedal, Optimization Methods for Large-Scale Machine Learning,
        SIAM Review 60(2), 2018, section 4.1.) Rows of ``P - Y`` are multiplied by their weights,
        if there are weights; a slave's term, if there are terms, is part of the gradient.
        """
        # Everything is held with classes before rows: NumPy then runs along the rows, not along
        # the few classes, which is where the time of a batch this small would go.
        sent, (k, n), size = parameters[0], y.shape, settings.batch_size
        W = np.repeat(sent[np.newaxis, :-1].transpose(0, 2, 1), k, axis=0)
        b = np.repeat(sent[np.newaxis, -1:].transpose(0, 2, 1), k, axis=0)
        rate, kept = settings.learning_rate, 1 - settings.learning_rate * settings.l2
        steer = _steering(W, b, terms, rate)
        one_hot, classes = np.empty((k, self.classes, n)), np.arange(self.classes)[:, np.newaxis]
        for rows in islice(passes(X, y, weights, rngs), settings.local_epochs):
            np.equal(rows.y[:, np.newaxis], classes, out=one_hot)
            for start in range(0, n, size):
                batch = rows.X[:, start : start + size]
                residual = _softmax(_logits(W, batch), b)
                residual -= one_hot[:, :, start : start + size]
                if rows.w is not None:
                    residual *= rows.w[:, np.newaxis, start : start + size]
                residual *= rate / batch.shape[1]
                gradient = _products(residual, batch)
                gradient_b = np.add.reduce(residual, axis=2, keepdims=True)
                if steer:
                    steer(gradient, gradient_b)
                W *= kept
                W -= gradient
                b -= gradient_b
        return [np.concatenate((W, b), axis=2).transpose(0, 2, 1).copy()]

    def derivatives(
        self,
        parameters: Arrays,
        X: NDArray[Any],
        y: NDArray[Any],
        weights: NDArray[Any] | None = None,
    ) -> Derivatives:
        """Sum the log loss and its derivatives over rows X (n, width), y (n,), n may be 0.

        With rows z = (x, 1), P their probabilities and Y their one-hot labels, parameter (i, a)
        being number ``i classes + a``::

            gradient[i, a]         = sum z_i (P_a - Y_a)
            hessian[(i, a), (j, c)] = sum z_i z_j P_a (1[a = c] - P_c)

        (Böhning, Multinomial Logistic Regression Algorithm, Annals of the Institute of
        Statistical Mathematics 44, 1992.) As the P_c of a row add up to 1, blocks with c = a are
        what those with c != a leave.
        """
        k, p, at = self.classes, (self.width + 1) * self.classes, np.arange(len(y))
        design = with_ones(X)
        logits = design @ parameters[0]
        logits -= logits.max(axis=1, keepdims=True)
        powers = np.exp(logits)
        sums = powers.sum(axis=1)
        P = powers / sums[:, np.newaxis]
        losses = np.log(sums) - logits[at, y]
        curved = P if weights is None else P * weights[:, np.newaxis]
        hessian = np.zeros((self.width + 1, k, self.width + 1, k))
        for a in range(k):
            for c in range(a + 1, k):
                block = products(design, curved[:, a] * P[:, c])
                hessian[:, a, :, c] = hessian[:, c, :, a] = -block
                hessian[:, a, :, a] += block
                hessian[:, c, :, c] += block
        # A copy of P or P itself, of no further use as probabilities.
        curved[at, y] -= 1 if weights is None else weights
        return Derivatives(
            loss=float((losses if weights is None else losses * weights).sum()),
            gradient=(design.T @ curved).reshape(p),
            hessian=triangle.pack(hessian.reshape(p, p)),
        )

    def derivative_bounds(
        self, parameters: Arrays, inputs: NDArray[Any], label: float
    ) -> DerivativeBounds:
        """Bound them a row: ``|P - Y| <= 1``, ``|P_a (1[a = c] - P_c)| <= 1/4``.

        The loss is at most the logarithm of the number of classes, and the largest difference of
        two logits, of which none is above ``sum_i |z_i w_i|``.
        """
        z = np.append(inputs, 1.0)
        loss = math.log(self.classes) + 2 * float((z @ np.abs(parameters[0])).max())
        each = np.repeat(z, self.classes)
        return DerivativeBounds(loss, each, triangle.outer(each) / 4)

    def penalised(self) -> Arrays:
        """Return 1 for W, 0 for the intercept."""
        mask = np.ones((self.width + 1, self.classes))
        mask[-1] = 0
        return [mask]

    def predict(self, parameters: Arrays, X: NDArray[Any]) -> NDArray[Any]:
        """Return the probability of each class (n, classes) for inputs X (n, width)."""
        return np.asarray(self.predict_stack(parameters, X[np.newaxis])[0])

    def predict_stack(self, parameters: Arrays, X: NDArray[Any]) -> NDArray[Any]:
        """Return those probabilities (k, n, classes) for k slaves' inputs X (k, n, width)."""
        weights = parameters[0]
        W = np.ascontiguousarray(weights[:-1].T)[np.newaxis]
        probabilities = _softmax(_logits(W, np.ascontiguousarray(X)), weights[-1][:, np.newaxis])
        return np.asarray(probabilities.transpose(0, 2, 1))


def _logits(W: NDArray[Any], batch: NDArray[Any]) -> NDArray[Any]:
    """Return ``W batch^T`` (k, classes, n) of stacks (k, classes, width) and (k, n, width)."""
    if W.shape[1] > FEW_CLASSES:
        return np.asarray(np.matmul(W, batch.transpose(0, 2, 1)))
    return np.asarray(np.matmul(batch[:, np.newaxis], W[..., np.newaxis])[..., 0])


def _products(residual: NDArray[Any], batch: NDArray[Any]) -> NDArray[Any]:
    """Return ``residual batch`` (k, classes, width) of stacks (k, classes, n), (k, n, width)."""
    if residual.shape[1] > FEW_CLASSES:
        return np.asarray(np.matmul(residual, batch))
    return np.asarray(np.matmul(residual[:, :, np.newaxis], batch[:, np.newaxis])[:, :, 0])


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
