"""Linear models by scikit-learn's SGD, which the extra ``fedredis[sklearn]`` brings."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arrays import Field, Schema
from fedredis.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays
    from fedredis.models.protocol import TrainingSettings


@dataclass(frozen=True)
class SklearnSGD:
    """scikit-learn's SGDClassifier with log loss, or SGDRegressor where there are no classes.

    The parameters are the estimator's: ``coef`` (k, width) and ``intercept`` (k,), with k a row
    for each class, one against the rest, but a single one for two classes and for numbers.

    The estimators take a step after each row, of ``learning_rate / batch_size``, so that the rows
    of a batch move the model about as far as the one step that others take after them; a batch
    size of 1 gives scikit-learn's own ``eta0``.

    Raises
    ------
    UsageError
        If scikit-learn is not installed.
    """

    width: int
    classes: int

    def __post_init__(self) -> None:
        # Only looked for: to import it takes a second, and the master never needs it.
        if find_spec("sklearn") is None:
            raise UsageError(
                "the model 'sklearn-sgd' needs scikit-learn: pip install 'fedredis[sklearn]'"
            )

    def schema(self) -> Schema:
        """Describe the parameters."""
        k = self.classes if self.classes > 2 else 1
        return Schema((Field("coef", "<f8", (k, self.width)), Field("intercept", "<f8", (k,))))

    def initialise(self, rng: np.random.Generator) -> Arrays:
        """Return zeros: the losses are convex, so there is no symmetry for chance to break."""
        return self.schema().zeros()

    def train(
        self,
        parameters: Arrays,
        X: NDArray[Any],
        y: NDArray[Any],
        settings: TrainingSettings,
        rng: np.random.Generator,
        *,
        weights: NDArray[Any] | None = None,
    ) -> Arrays:
        """Return new parameters, trained on inputs X (n, width) and labels y (n,), n >= 1.

        Raises
        ------
        ValueError
            If the steps are so large that the parameters overflow.
        """
        if weights is not None and not weights.any():
            return parameters  # which scikit-learn refuses to learn from
        estimator = self._estimator(settings)
        coef, intercept = (array.copy() for array in parameters)
        estimator.coef_, estimator.intercept_ = (coef if self.classes else coef[0]), intercept
        # What tells an estimator that it has been at work before.
        estimator.t_ = 1.0
        if self.classes:
            estimator.classes_ = np.arange(self.classes)
        for _ in range(settings.local_epochs):
            # A number would shuffle the rows alike each time.
            estimator.random_state = int(rng.integers(1 << 31))
            estimator.partial_fit(X, y, sample_weight=weights)
        return [estimator.coef_.reshape(coef.shape), estimator.intercept_.reshape(intercept.shape)]

    def predict(self, parameters: Arrays, X: NDArray[Any]) -> NDArray[Any]:
        """Predict for inputs X (n, width): probabilities (n, classes), or numbers (n, 1).

        The probability of a class is ``sigmoid(score)``, divided by the sum over the classes, as
        with SGDClassifier's ``predict_proba``.
        """
        coef, intercept = parameters
        scores = X @ coef.T + intercept
        if not self.classes:
            return np.asarray(scores)
        if self.classes == 2:
            scores = np.hstack((-scores, scores))
        # By their logarithms, so that not all of them can be rounded to 0.
        logs = -np.logaddexp(0, -scores)
        logs -= logs.max(axis=1, keepdims=True)
        probabilities = np.exp(logs)
        return np.asarray(probabilities / probabilities.sum(axis=1, keepdims=True))

    def _estimator(self, settings: TrainingSettings) -> Any:
        from sklearn.linear_model import SGDClassifier, SGDRegressor

        step = settings.learning_rate / settings.batch_size
        terms = {"alpha": settings.l2, "learning_rate": "constant", "eta0": step}
        if self.classes:
            return SGDClassifier(loss="log_loss", **terms)
        return SGDRegressor(loss="squared_error", **terms)
