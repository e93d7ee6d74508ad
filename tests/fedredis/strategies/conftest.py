"""Rounds without a server, and the steps that slaves take, written down a second time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from fedredis.arrays import Scope, Sum
from fedredis.metrics import measure
from fedredis.models import LogisticRegression, TrainingSettings
from fedredis.strategies import Global, Limits, LocalSlaves, LocalWork, Returned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays
    from fedredis.models import Model
    from fedredis.strategies import LocalResults, Strategy

#: Rows, batch and epochs that make slaves take 2, 8, 10 and 4 steps.
ROWS, SETTINGS = (8, 25, 40, 9), TrainingSettings(2, 8, 0.3, 0.01)


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Compute as workers and masters do."""
    with threadpool_limits(1, user_api="blas"):
        yield


@dataclass
class Federation:
    """Slaves with their rows, X (n_k, width) and y (n_k,), and what they remember."""

    model: Model
    slaves: list[tuple[NDArray[Any], NDArray[Any]]]
    settings: TrainingSettings = SETTINGS
    classes: int = 3
    max_norm: float = 1e4
    memories: dict[int, Arrays] = field(default_factory=dict)

    def rng(self, number: int, slave: int) -> np.random.Generator:
        return np.random.default_rng([7, number, slave])

    @property
    def rows(self) -> int:
        return sum(len(y) for _, y in self.slaves)

    @property
    def limits(self) -> Limits:
        inputs = np.max([np.abs(X).max(axis=0, initial=0) for X, _ in self.slaves], axis=0)
        label = max(np.abs(y).max(initial=0) for _, y in self.slaves)
        return Limits(self.max_norm, inputs, float(label), self.settings, self.rows)

    def rule(self, strategy: Strategy, sent: Global) -> Sum:
        quantities = strategy.quantities(self.model, sent, self.limits)
        return Sum(quantities, Scope(len(self.slaves), self.rows))

    def work(self, strategy: Strategy, sent: Global, number: int, *slaves: int) -> LocalResults:
        """Do the part of slaves with as many rows each."""
        X, y = (np.stack(arrays) for arrays in zip(*(self.slaves[s] for s in slaves), strict=True))
        rngs, memories = [self.rng(number, s) for s in slaves], [*map(self.memories.get, slaves)]
        own = LocalSlaves(X, y, rngs, memories)
        test = measure(self.classes)
        work = LocalWork(self.model, sent, self.settings, self.limits, test, own)
        return strategy.local(work)

    def integers(
        self, strategy: Strategy, sent: Global, number: int, slave: int
    ) -> tuple[Arrays, LocalResults]:
        """Return what a slave adds as it travels, once that was looked at as on arrival."""
        rule, samples = self.rule(strategy, sent), np.array([len(self.slaves[slave][1])])
        result = self.work(strategy, sent, number, slave)
        stacks = rule.encode(result.arrays, samples)
        assert rule.reasons(np.ones(1, int), samples, stacks) == [None]
        return [stack[0] for stack in stacks], result

    def round(
        self, strategy: Strategy, current: Global, number: int, asked: Sequence[int] | None = None
    ) -> Global:
        """Go through a round with some of the slaves, or all."""
        asked = range(len(self.slaves)) if asked is None else asked
        done = {slave: self.integers(strategy, current, number, slave) for slave in asked}
        each = [integers for integers, _ in done.values()]
        total = [np.sum(arrays, axis=0) for arrays in zip(*each, strict=True)]
        for slave, (_, result) in done.items():
            for memory in result.memories:
                strategy.memory(self.model).views(memory)  # raises if they do not fit
                self.memories[slave] = memory
        returned = Returned(
            self.rule(strategy, current).decode(total),
            sum(len(self.slaves[slave][1]) for slave in asked),
            len(asked),
            len(self.slaves),
        )
        return strategy.move(self.model, current, returned, self.settings)

    def first(self, strategy: Strategy) -> Global:
        """Return where training starts from."""
        rng = np.random.default_rng(3)
        fields = self.model.schema().fields
        return Global([rng.normal(0, 0.1, f.shape) for f in fields], strategy.initial(self.model))

    def train(self, strategy: Strategy, rounds: int) -> Global:
        """Go through rounds of all slaves."""
        self.memories.clear()
        current = self.first(strategy)
        for number in range(1, rounds + 1):
            current = self.round(strategy, current, number)
        return current


@pytest.fixture
def federation() -> Federation:
    """Return four slaves with different numbers of rows, and labels that lean their own way."""
    rng = np.random.default_rng(11)
    centres, slaves = rng.normal(0, 1, (3, 2)), []
    for slave, n in enumerate(ROWS):
        y = rng.choice(3, n, p=np.roll([0.7, 0.2, 0.1], slave))
        slaves.append((rng.normal(0, 1, (n, 2)) + centres[y], y))
    return Federation(LogisticRegression(2, 3), slaves)


def _gradient(w: NDArray[Any], X: NDArray[Any], y: NDArray[Any], l2: float) -> NDArray[Any]:
    design = np.column_stack((X, np.ones(len(X))))
    P = np.exp(design @ w)
    P /= P.sum(axis=1, keepdims=True)
    gradient = design.T @ (P - np.eye(3)[y]) / len(X)
    gradient[:-1] += l2 * w[:-1]
    return gradient


@pytest.fixture
def gradient() -> Callable[..., NDArray[Any]]:
    """Return the gradient of the penalised log loss at w (width + 1, 3)."""
    return _gradient


@pytest.fixture
def sgd() -> Callable[..., NDArray[Any]]:
    """Return SGD from w, with something added to each gradient that may depend on w."""

    def run(
        w: NDArray[Any],
        rows: tuple[NDArray[Any], NDArray[Any]],
        rng: np.random.Generator,
        extra: Callable[[NDArray[Any]], Any] = lambda w: 0.0,
    ) -> NDArray[Any]:
        X, y = rows
        for _ in range(SETTINGS.local_epochs):
            order = rng.permutation(len(y))
            for start in range(0, len(y), SETTINGS.batch_size):
                batch = order[start : start + SETTINGS.batch_size]
                step = _gradient(w, X[batch], y[batch], SETTINGS.l2) + extra(w)
                w = w - SETTINGS.learning_rate * step
        return w

    return run


@pytest.fixture
def follow(federation: Federation) -> Callable[..., list[NDArray[Any]]]:
    """Return what moves a model, from zeros, by means (3, 3) that came back from 10 rows."""

    def run(strategy: Strategy, means: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        model, moved = federation.model, []
        current = Global(model.schema().zeros(), strategy.initial(model))
        for mean in means:
            returned = Returned(total=[mean * 10], samples=10, counted=4, slaves=4)
            current = strategy.move(model, current, returned, SETTINGS)
            moved.append(current.parameters[0])
        return moved

    return run


@pytest.fixture
def means() -> list[NDArray[Any]]:
    """Return the means of four rounds, some elements far from the zeros, some near, one there."""
    rng = np.random.default_rng(2)
    scale = np.array([[0.0, 1e-4, 1e-2], [0.1, 1, 1], [1, 10, 10]])
    return [rng.normal(0, 1, (3, 3)) * scale for _ in range(4)]
