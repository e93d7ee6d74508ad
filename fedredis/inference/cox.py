"""Cox's proportional hazards by sums over the times of events: exactly the pooled partial fit.

With ``r = w exp(z b)`` of each row, and for each time t of events the sums over the rows at risk
``S0 = sum r``, ``S1 = sum r z``, ``S2 = sum r z z^T``, and the same D0, D1, D2 over those that die
then, d of them, Efron's likelihood takes ``S - l/d D`` for l = 0 … d - 1, and Breslow's S alone.
A row is counted from its own time back, so that slaves add up by cells between times, and the
master sums cells up. (Efron, JASA 72, 1977; Therneau and Grambsch, Modeling Survival Data, 2000.)

Where strata are the slaves, each works out its own likelihood, which is rounded once a slave.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fedredis.errors import DataError
from fedredis.inference.exact import Part, Real
from fedredis.inference.families import MOST_LOG
from fedredis.inference.glm import predictor
from fedredis.inference.stages import next_step, square, step_of, triangle
from fedredis.inference.times import still

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named, Scope
    from fedredis.inference.design import Design
    from fedredis.inference.stages import Frame
    from fedredis.inference.times import Subjects

SMALL_STEP = 1e-10
MOST_STEPS = 50
#: A log-likelihood that falls by more than this share of it is one of too long a step.
FALLS = 1e-12
#: Where so little is left of the information in some direction, coefficients are without bound.
VANISHED = 1e-7
#: A column with more than this share of the largest part in that direction has a part in it.
PART = 0.1


@dataclass(frozen=True)
class Covariates:
    """The columns of subjects that are in the model, as `Spread` takes them."""

    design: Design
    subjects: Subjects

    def names(self, known: Named) -> tuple[str, ...]:
        """Return what they are called."""
        return self.design.names(known)

    def matrix(self, known: Named, frame: Frame) -> NDArray[np.float64]:
        """Return them (n, p) of complete rows."""
        return self.design.matrix(known, frame.complete(self.subjects.needed))


@dataclass(frozen=True, eq=False)
class Likelihood:
    """The partial likelihood at some coefficients: its value, gradient and information.

    ``residuals`` (strata, k, p) are Schoenfeld's, summed over those that die at a time.
    """

    value: float
    gradient: NDArray[Any]
    information: NDArray[Any]
    residuals: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Cells:
    """Sums by stratum and time, (strata, k, …)."""

    #: Over rows at risk, and over those that die: of r, of r z, of r z z^T (as triangles).
    risk: NDArray[Any]
    tied: NDArray[Any]
    #: Over those that die: w, w z and, where there are weights, z.
    died: NDArray[Any]
    #: How many die.
    deaths: NDArray[Any]

    def likelihood(self, beta: NDArray[Any], *, efron: bool) -> Likelihood:
        """Put them together, at some coefficients (p,)."""
        p = len(beta)
        weight, plain = self.died[..., 0], self.died[..., -p:]
        gradient = self.died[..., 1 : 1 + p].sum(axis=(0, 1))
        value = float(gradient @ beta)
        information, residuals = np.zeros((p, p)), plain.copy()
        most = int(self.deaths.max(initial=0)) if efron else 1
        for turn in range(most):
            there = self.deaths > turn
            d = self.deaths[there].astype(float)
            share = (turn / d if efron else np.zeros_like(d))[:, np.newaxis]
            sums = self.risk[there] - share * self.tied[there]
            s0, mean = sums[:, 0], sums[:, 1 : 1 + p] / sums[:, :1]
            # A death's weight, of those that die together the mean; Breslow takes all at once.
            w = weight[there] / d if efron else weight[there]
            value -= float((w * np.log(s0)).sum())
            gradient = gradient - (w[:, np.newaxis] * mean).sum(axis=0)
            second = square(sums[:, 1 + p :]) / s0[:, np.newaxis, np.newaxis]
            second = second - mean[:, :, np.newaxis] * mean[:, np.newaxis]
            information += (w[:, np.newaxis, np.newaxis] * second).sum(axis=0)
            residuals[there] -= mean * (1 if efron else d[:, np.newaxis])
        return Likelihood(value, gradient, information, residuals)


@dataclass(frozen=True)
class Cox:
    """The steps of a fit; they follow `Times` and a `Spread` of the covariates.

    Known afterwards: ``beta`` (p,), of standardised columns, ``information`` (p, p),
    ``log_likelihood``, ``null_log_likelihood``, ``null_information``, ``residuals``, and
    ``unbounded`` (p,), 1 for the columns whose coefficients grow without end.
    """

    covariates: Covariates
    scope: Scope
    efron: bool = True
    #: Whether every slave is a stratum.
    by_slave: bool = False
    blanks: ClassVar[bool] = False

    def next_pass(self, known: Named) -> str | None:
        """``step <n>``."""
        return next_step(known)

    def _sizes(self, known: Named) -> tuple[int, int, int]:
        groups, k = known["died"].shape
        return groups, k, len(self.covariates.names(known))

    def _tied(self, known: Named) -> NDArray[np.bool_]:
        """Say when several die (groups * k,)."""
        found: NDArray[np.bool_] = (known["died"] > 1).ravel() & self.efron
        return found

    def parts(self, name: str, known: Named) -> tuple[Part, ...]:
        """Describe what is summed in a pass."""
        groups, k, p = self._sizes(known)
        width = 1 + p + p * (p + 1) // 2
        if self.by_slave:
            one = {"scope": self.scope, "unit": float(self.scope.rows), "per": "slave"}
            return (
                Real("value", (1 + p + p * (p + 1) // 2,), **one),  # type: ignore[arg-type]
                Real("residuals", (k, p), **one),  # type: ignore[arg-type]
            )
        tied = int(self._tied(known).sum())
        sums = (
            Real("risk", (groups * (k + 1), width), self.scope),
            Real("tied", (tied, width), self.scope),
        )
        if "of_dead" in known:
            return sums
        # Of those that die nothing depends on coefficients.
        weighted = bool(self.covariates.subjects.weights)
        return (*sums, Real("died", (groups * k, 1 + p + p * weighted), self.scope))

    def _rows(self, known: Named, frame: Frame) -> tuple[NDArray[Any], ...]:
        subjects = self.covariates.subjects
        time, event, weights, group = subjects.of(known, frame)
        z = (self.covariates.matrix(known, frame) - known["mean"]) / known["scale"]
        eta = predictor(np.ascontiguousarray(z.T), self._beta(known), np.zeros(len(z)))
        risk = weights * np.exp(np.clip(eta, -MOST_LOG, MOST_LOG))
        sums = np.column_stack([risk, z * risk[:, np.newaxis], triangle(z, risk)])
        died = [weights, z * weights[:, np.newaxis], *([z] if subjects.weights else ())]
        return time, event == 1, group, sums, np.column_stack(died)

    def _beta(self, known: Named) -> NDArray[Any]:
        return known["beta"] if "beta" in known else np.zeros(len(known["mean"]))

    def sums(self, name: str, known: Named, frame: Frame) -> Arrays:
        """Add up a slave's rows."""
        k = self._sizes(known)[1]
        time, event, group, values, dead = self._rows(known, frame)
        bins = np.searchsorted(known["times"], time, side="right")
        at = group * k + np.searchsorted(known["times"], time)
        parts: Any = self.parts(name, known)
        if self.by_slave:
            return self._alone(parts, bins, at, event, values, dead, self._beta(known))
        tied = self._tied(known)
        place = np.cumsum(tied) - 1
        among = event.copy()
        among[event] = tied[at[event]]
        arrays = [
            parts[0].add_in(group * (k + 1) + bins, values),
            parts[1].add_in(place[at[among]], values[among]),
        ]
        return [*arrays, *(part.add_in(at[event], dead[event]) for part in parts[2:])]

    def _alone(
        self, parts: Any, bins: Any, at: Any, event: Any, values: Any, dead: Any, beta: Any
    ) -> Arrays:
        """Work out the likelihood of a slave that is a stratum of its own."""
        k, p = parts[1].shape
        gone, tied = np.zeros((k + 1, values.shape[1])), np.zeros((k, values.shape[1]))
        died, deaths = np.zeros((k, dead.shape[1])), np.zeros(k, np.int64)
        np.add.at(gone, bins, values)
        np.add.at(tied, at[event], values[event])
        np.add.at(died, at[event], dead[event])
        np.add.at(deaths, at[event], 1)
        found = Cells(
            still(gone[np.newaxis]), tied[np.newaxis], died[np.newaxis], deaths[np.newaxis]
        ).likelihood(beta, efron=self.efron)
        first, second = np.triu_indices(p)
        line = np.array([found.value, *found.gradient, *found.information[first, second]])
        return [parts[0].add(line[np.newaxis]), parts[1].add(found.residuals)]

    def learn(self, name: str, known: Named, total: Arrays) -> Named:
        """Take a step, a shorter one if the last one went too far, or be over."""
        p = self._sizes(known)[2]
        if self.by_slave:
            line, residuals = total
            found = Likelihood(
                line[0], line[1 : 1 + p], square(line[1 + p :]), residuals[np.newaxis]
            )
        else:
            if len(total) > 2:
                known = {**known, "of_dead": total[2]}
            cells = self._together(known, *total[:2])
            found = cells.likelihood(self._beta(known), efron=self.efron)
        steps, beta = step_of(known), self._beta(known)
        if steps and found.value < known["log_likelihood"] - FALLS * abs(known["log_likelihood"]):
            halved = known["move"] / 2
            over = steps >= MOST_STEPS
            return {
                **known,
                "beta": beta - halved,
                "move": halved,
                "steps": np.array(steps),
                "over": np.array(int(over)),
                "converged": np.array(0),
            }
        first = known["null_information"] if steps else found.information
        unbounded = unbound(found.information, first) if steps else np.zeros(p, np.int64)
        move = np.zeros(p)
        if not unbounded.any():
            move = self._move(found, self.covariates.names(known))
        moved = float(np.max(np.abs(move) / (1 + np.abs(beta)), initial=0.0))
        converged = moved <= SMALL_STEP and not unbounded.any()
        after = {
            "beta": beta + move,
            "move": move,
            "information": found.information,
            "log_likelihood": np.array(found.value),
            "residuals": found.residuals,
            "steps": np.array(steps),
            "converged": np.array(int(converged)),
            "over": np.array(int(converged or unbounded.any() or steps >= MOST_STEPS)),
            "unbounded": unbounded,
            "null_information": first,
        }
        if not steps:
            after["null_log_likelihood"] = np.array(found.value)
        return {**known, **after}

    def _move(self, found: Likelihood, names: tuple[str, ...]) -> NDArray[Any]:
        size = np.sqrt(np.maximum(np.diag(found.information), 0))
        if (size == 0).any():
            raise DataError(
                f"'{names[int(np.argmin(size))]}' is the same in all rows at risk: leave it out"
            )
        scaled = found.information / np.outer(size, size)
        if np.linalg.cond(scaled) > 1e10:
            raise DataError(
                "the covariates determine each other, or separate those that die: leave one out"
            )
        return np.asarray(np.linalg.solve(scaled, found.gradient / size) / size)

    def _together(self, known: Named, gone: NDArray[Any], of_tied: NDArray[Any]) -> Cells:
        groups, k, _ = self._sizes(known)
        risk = still(gone.reshape(groups, k + 1, -1))
        tied = np.zeros((groups * k, risk.shape[2]))
        tied[self._tied(known)] = of_tied
        dead = known["of_dead"].reshape(groups, k, -1)
        return Cells(risk, tied.reshape(groups, k, -1), dead, known["died"])


def unbound(information: NDArray[Any], first: NDArray[Any]) -> NDArray[np.int64]:
    """Mark the columns (p,) whose coefficients grow without end: none, where all are bounded.

    Where covariates separate those that die first, the likelihood rises for ever in a direction,
    and what is left there of the information (p, p) at coefficients of 0, `first`, vanishes.
    """
    root = np.linalg.inv(np.linalg.cholesky(first))
    left, directions = np.linalg.eigh(root @ information @ root.T)
    if left[0] >= VANISHED:
        return np.zeros(len(first), np.int64)
    parts = np.abs(root.T @ directions[:, 0]) * np.sqrt(np.diag(first))
    return np.asarray(parts > PART * parts.max(), np.int64)
