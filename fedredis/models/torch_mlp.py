"""A small neural network in PyTorch, which the extra ``fedredis[torch]`` brings."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from fedredis.arrays import Field, Schema
from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from fedredis.arrays import Arrays
    from fedredis.models.protocol import GradientTerm, TrainingSettings

#: Units of the hidden layer.
HIDDEN = 32


@dataclass(frozen=True)
class TorchMLP:
    """One hidden layer: ``tanh(X A + a) B + b``, then a softmax if there are classes.

    The parameters are ``hidden_weights`` A (width, hidden), ``hidden_bias`` a (hidden,),
    ``output_weights`` B (hidden, k) and ``output_bias`` b (k,), with k the classes, or 1 for
    numbers. Over n rows, at parameters w, with w_0 those that were sent, the steps of SGD go down

        1 / n sum_i loss_i + l2 / 2 (||A||^2 + ||B||^2)
        + proximal / 2 ||w - w_0||^2 + <correction, w>

    where the loss is the log loss, or half the squared error. It is computed in float64, so that
    rows and parameters pass to PyTorch and back as they are.

    Raises
    ------
    UsageError
        If PyTorch is not installed.
    """

    width: int
    classes: int
    hidden: int = HIDDEN

    def __post_init__(self) -> None:
        # Only looked for: to import it takes seconds, and the master never needs it.
        if find_spec("torch") is None:
            raise UsageError("the model 'torch-mlp' needs PyTorch: pip install 'fedredis[torch]'")

    def schema(self) -> Schema:
        """Describe the parameters."""
        outputs = self.classes or 1
        return Schema(
            (
                Field("hidden_weights", "<f8", (self.width, self.hidden)),
                Field("hidden_bias", "<f8", (self.hidden,)),
                Field("output_weights", "<f8", (self.hidden, outputs)),
                Field("output_bias", "<f8", (outputs,)),
            )
        )

    def initialise(self, rng: np.random.Generator) -> Arrays:
        """Draw weights from ``U(-c, c)``, ``c^2 = 6 / (inputs + outputs)`` of a layer; biases 0.

        Glorot and Bengio, "Understanding the Difficulty of Training Deep Feedforward Neural
        Networks", AISTATS 2010, equation 16.
        """
        arrays = self.schema().zeros()
        for array in arrays:
            if array.ndim == 2:
                c = math.sqrt(6 / sum(array.shape))
                array[:] = rng.uniform(-c, c, array.shape)
        return arrays

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
        """Return new parameters, trained on inputs X (n, width) and labels y (n,), n >= 1.

        Each epoch shuffles the rows and takes one step a batch, the last and short one included.
        A term is added to the gradient of every step.
        """
        import torch

        sent = [torch.tensor(array) for array in parameters]
        moved = [array.clone().requires_grad_() for array in sent]
        weighing = None if weights is None else torch.tensor(weights, dtype=torch.float64)
        proximal = 0.0 if term is None else term.proximal
        correction = [torch.tensor(a) for a in (term.correction if term else None) or ()]
        inputs, labels = torch.tensor(X, dtype=torch.float64), torch.tensor(y)

        def objective(rows: Tensor) -> Tensor:
            losses = self._losses(self._outputs(moved, inputs[rows]), labels[rows])
            value = (losses if weighing is None else losses * weighing[rows]).mean()
            value = value + settings.l2 / 2 * sum((w * w).sum() for w in moved if w.ndim == 2)
            if proximal:
                away = zip(moved, sent, strict=True)
                value = value + proximal / 2 * sum(((w - w_0) ** 2).sum() for w, w_0 in away)
            if correction:
                terms = zip(correction, moved, strict=True)
                value = value + sum((c * w).sum() for c, w in terms)
            return value

        with _one_thread():
            for _ in range(settings.local_epochs):
                order = torch.from_numpy(rng.permutation(len(y)))
                for rows in order.split(settings.batch_size):
                    gradients = torch.autograd.grad(objective(rows), moved)
                    with torch.no_grad():
                        for array, gradient in zip(moved, gradients, strict=True):
                            array -= settings.learning_rate * gradient
        return [array.detach().numpy() for array in moved]

    def predict(self, parameters: Arrays, X: NDArray[Any]) -> NDArray[Any]:
        """Predict for inputs X (n, width): probabilities (n, classes), or numbers (n, 1)."""
        import torch

        with _one_thread(), torch.no_grad():
            weights = [torch.tensor(array) for array in parameters]
            outputs = self._outputs(weights, torch.tensor(X, dtype=torch.float64))
            predictions: NDArray[Any] = (
                outputs.softmax(dim=1) if self.classes else outputs
            ).numpy()
        return predictions

    def _outputs(self, weights: Sequence[Tensor], inputs: Tensor) -> Tensor:
        """Return logits (n, classes), or numbers (n, 1)."""
        A, a, B, b = weights
        return (inputs @ A + a).tanh() @ B + b

    def _losses(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of each row of a batch (n,)."""
        from torch.nn import functional

        if self.classes:
            return functional.cross_entropy(outputs, labels.long(), reduction="none")
        return (outputs[:, 0] - labels) ** 2 / 2


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep PyTorch to one thread: how a sum is rounded depends on how many share it."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
