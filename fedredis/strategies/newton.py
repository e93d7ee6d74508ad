"""Newton's method, from sums of the slaves' derivatives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fedredis.arrays import Quantity
from fedredis.errors import FedredisError, UsageError
from fedredis.models import triangle
from fedredis.models.protocol import SecondOrderModel
from fedredis.strategies.fedavg import FedAvg
from fedredis.strategies.flat import flat, split
from fedredis.strategies.local import LocalResults
from fedredis.strategies.options import require
from fedredis.strategies.protocol import Global
from fedredis.strategies.state import arrays_of, filled, largest, named

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Named
    from fedredis.models.protocol import Model, TrainingSettings
    from fedredis.strategies.local import LocalWork
    from fedredis.strategies.protocol import Limits, Returned

#: Bytes of a Hessian at most, one of which each slave sends; the master takes some six times as
#: much to solve with it.
MOST_BYTES = 1 << 29
#: A curvature below this share of the largest is rounding: there is none in that direction.
LEAST_CURVATURE = 1e-11
#: A mean loss is taken for larger than another only beyond this share of it: sums are rounded.
LOSS_ROUNDING = 1e-12


@dataclass(frozen=True)
class Newton(FedAvg):
    """Newton's method: the exact optimum of a convex model, in a few rounds.

    A slave sends the sums over its n_k rows of the loss, its gradient g_k and its Hessian H_k at
    the global parameters w; with n = sum n_k, and M the diagonal that is 1 where the L2 penalty is
    on, the master solves::

        (sum H_k / n + l2 M) s = sum g_k / n + l2 M w
        w <- w - s

    which is the step that pooled rows would give: however rows are dealt, the result is that of
    one machine. Rows' weights, which are 1 on average, multiply what they add. Learning
    rate, batch size and local epochs play no part. Boyd and Vandenberghe,
    Convex Optimization, 2004, section 9.5.

    A multinomial model has directions that change nothing, such as a shift of all intercepts
    alike. There the Hessian has no inverse, and s is the shortest solution: parameters stay
    where they are in those directions, which from zeros is where scikit-learn ends.

    A full step can lead too far. Where the penalised mean loss turns out larger than at the point
    before, the model goes back half of the last step instead. **Each halving costs a round**,
    whose Hessians are not used. Losses are compared only between rounds in which all slaves were
    counted, since with a sample of them they would be of other rows.

    The run ends early once no parameter moves by more than `tolerance`, as a share of the largest
    of them if that is above 1. Linear regression takes two rounds, of which the second finds
    that there is nothing left to do.

    Of a Hessian the upper triangle travels, ``4 p (p + 1)`` bytes for p parameters, and the
    master's work grows with p^3. Sums are exact, with bounds that follow from those of the inputs:
    how rows are dealt changes the result by less than 1e-13. `max_norm` bounds nothing here, and
    one dishonest slave can spoil the model.
    """

    requires: ClassVar[type] = SecondOrderModel

    #: How far parameters may still move once the run ends.
    tolerance: float = 1e-9

    def __post_init__(self) -> None:
        require(0 <= self.tolerance < math.inf, "tolerance", self.tolerance, "0 or more")

    def quantities(self, model: Model, sent: Global, limits: Limits) -> tuple[Quantity, ...]:
        """Describe what is added up: gradient (p,), Hessian (p (p + 1) / 2,) and loss (1,)."""
        fields = model.schema().fields
        p = sum(field.size for field in fields)
        if 8 * p * p > MOST_BYTES:
            shapes = ", ".join(f"{f.name} {' x '.join(map(str, f.shape))}" for f in fields)
            raise UsageError(
                f"newton: the Hessian of {p:,} parameters ({shapes}: inputs and an intercept by "
                f"classes) would take {8 * p * p / 1e6:,.0f} MB, more than "
                f"{MOST_BYTES / 1e6:,.0f}: `features=plain`, fewer columns, or another strategy",
                field="strategy",
            )
        of_model = _second_order(model)
        bounds = of_model.derivative_bounds(sent.parameters, limits.inputs, limits.label)
        w = limits.weight
        return (
            Quantity("gradient", (p,), w * bounds.gradient),
            Quantity("hessian", (triangle.size(p),), w * bounds.hessian),
            Quantity("loss", (1,), w * bounds.loss, nonnegative=True),
        )

    def initial(self, model: Model) -> Named:
        """Return a last point that any other is better than."""
        return {**filled("last", model, 0.0), "loss": np.array([math.inf])}

    def local(self, work: LocalWork) -> LocalResults:
        """Take the derivatives on each slave's rows."""
        model, slaves = _second_order(work.model), work.slaves
        weights = [None] * work.count if slaves.weights is None else slaves.weights
        rows = zip(slaves.X, slaves.y, weights, strict=True)
        each = [model.derivatives(work.sent.parameters, *its) for its in rows]
        return LocalResults(
            [
                np.stack([d.gradient for d in each]),
                np.stack([d.hessian for d in each]),
                np.array([[d.loss] for d in each]),
            ]
        )

    def move(
        self, model: Model, current: Global, returned: Returned, settings: TrainingSettings
    ) -> Global:
        """Return the model after a step, or half of the last one.

        The state is the point before the step, and the loss there.
        """
        gradient, hessian, mean_loss = returned.means
        w = flat(current.parameters)
        penalty = settings.l2 * flat(_second_order(model).penalised())
        loss = float(mean_loss[0]) + float(np.sum(penalty * w * w)) / 2
        state, last = current.state, float(current.state["loss"][0])
        everyone = returned.counted == returned.slaves
        if everyone and loss > last + LOSS_ROUNDING * abs(last):
            after = (w + flat(arrays_of("last", model, state))) / 2
        else:
            curvature = triangle.unpack(hessian, len(w))
            curvature[np.diag_indices_from(curvature)] += penalty
            after = w - _shortest(curvature, gradient + penalty * w)
            known = loss if everyone else math.inf
            state = {**named("last", model, current.parameters), "loss": np.array([known])}
        return Global(split(after, current.parameters), state)

    def converged(self, before: Global, after: Global) -> bool:
        """Say whether no parameter has moved far."""
        return _moved(before, after) <= self.tolerance

    def warnings(self, before: Global, after: Global, rounds: int) -> tuple[str, ...]:
        """Say that a run has ended too early."""
        if self.converged(before, after):
            return ()
        return (
            f"Newton's method has not converged after {rounds} rounds: the last one still moved a "
            f"parameter by {_moved(before, after):.1e}, and tolerance={self.tolerance:g}; give it "
            f"rounds={2 * rounds}, or a larger l2",
        )


def _moved(before: Global, after: Global) -> float:
    """Return how far a parameter has moved at most, as a share of the largest if above 1."""
    w = flat(after.parameters)
    return largest(w - flat(before.parameters)) / max(1.0, largest(w))


def _second_order(model: Model) -> SecondOrderModel:
    """Return the model as what `requires` has seen to it being."""
    if not isinstance(model, SecondOrderModel):
        raise TypeError(f"{type(model).__name__} has no second derivatives")
    return model


def _shortest(hessian: NDArray[Any], gradient: NDArray[Any]) -> NDArray[Any]:
    """Return the shortest s (p,) for which ``hessian s`` is nearest to `gradient` (p,).

    By the eigenvectors of the Hessian (p, p), of which the upper triangle is read, along which
    there is a curvature.
    """
    try:
        curvatures, directions = np.linalg.eigh(hessian, UPLO="U")
    except np.linalg.LinAlgError as error:
        raise FedredisError(f"the slaves' Hessians can't be solved with: {error}") from error
    along = directions.T @ gradient
    curved = curvatures > LEAST_CURVATURE * curvatures[-1]
    steps = np.divide(along, curvatures, out=np.zeros_like(along), where=curved)
    return np.asarray(directions @ steps)
