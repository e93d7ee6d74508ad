"""Generalised linear models by sums: iteratively reweighted least squares, one pass a step.

With ``z`` a row's columns, standardised where there is a constant, and ``eta = z g + offset``::

    score = sum w (y - mu) m'(eta) / V(mu) z      information = sum w m'(eta)^2 / V(mu) z z^T

and the next g is ``g + information^-1 score``. Beside the model the null model is fitted, which
has a constant alone. Both are exact sums, so that the result is that of the rows in one place.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fedredis.errors import DataError
from fedredis.inference.exact import Count, Part, Real
from fedredis.inference.families import bits, choose, lgamma
from fedredis.inference.stages import next_step, square, step_of, triangle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named, Scope
    from fedredis.inference.families import Family, Link
    from fedredis.inference.stages import Frame
    from fedredis.inference.weighted import Weighted

#: A step is the last one if no standardised coefficient moves by more.
SMALL_STEP = 1e-10
#: A deviance that rises by more than this share is one of too long a step.
RISES = 1e-8
#: A column of which less than this share is not determined by the others is none of its own.
OWN_SHARE = 1e-10
MOST_STEPS = 100
#: A standardised coefficient beyond it is that of a certain outcome, and so is a deviance of less
#: by weight.
CERTAIN, NOTHING_LEFT = 30.0, 1e-7
#: How a fit is over whose information has vanished.
CERTAIN_ROWS = 2


@dataclass(frozen=True)
class Scoring:
    """The steps of a fit; they follow a `Spread` of the rows.

    Known afterwards: ``gamma`` (p,), of the standardised columns, ``information`` (p, p),
    ``figures`` (deviance, log-likelihood without what has no mean in it, Pearson's statistic) and
    the same of the null model, ``totals`` and, if asked for, ``meat`` (p, p) and the information
    that is ``observed`` (p, p), which is the expected one where the link is canonical.
    """

    rows: Weighted
    family_name: str
    link_name: str | None
    scope: Scope
    #: Whether weights count rows, and are not precisions.
    frequency: bool = False
    #: ``""``, ``"HC0"``, ``"HC1"`` or ``"cluster"``.
    covariance: str = ""
    blanks: ClassVar[bool] = False

    @cached_property
    def family(self) -> Family:
        """The family."""
        return choose(self.family_name, self.link_name)[0]

    @cached_property
    def link(self) -> Link:
        """The link."""
        return choose(self.family_name, self.link_name)[1]

    def next_pass(self, known: Named) -> str | None:
        """``step <n>``; then perhaps ``meat`` and ``likelihood``.

        Raises
        ------
        DataError
            If there is nothing to begin with.
        """
        if step := next_step(known):
            if step == "step 0":
                self._check(known)
            return step
        if self.covariance and "meat" not in known:
            return "meat"
        weighted = self.rows.weights and not self.frequency and self.family.name == "gamma"
        return "likelihood" if weighted and "of_weights" not in known else None

    def dispersion(self, known: Named) -> float:
        """Estimate how far labels spread: Pearson's statistic by degree of freedom, or 1."""
        if not self.family.dispersed:
            return 1.0
        return float(known["figures"][2]) / self.left(known)

    def left(self, known: Named) -> float:
        """Count the degrees of freedom that are left."""
        rows = known["totals"][1 if self.frequency else 0]
        return float(rows) - len(known["gamma"])

    @property
    def _canonical(self) -> bool:
        """Whether rows' second derivatives do not depend on their labels."""
        return self.link.name == self.family.links[0]

    def _p(self, known: Named) -> int:
        return len(self.rows.design.names(known))

    def parts(self, name: str, known: Named) -> tuple[Part, ...]:
        """Describe what is summed in a pass."""
        p = self._p(known)
        size = p * (p + 1) // 2
        u, w = self._sizes(known)
        inverse = max(1.0, u * u) if self.link.name == "inverse" else 1.0
        squared = u * u if self.family.name == "gaussian" else max(1.0, u)
        if name == "meat":
            per: Any = "slave" if self.covariance == "cluster" else "row"
            bread = Real("observed", (size,), self.scope, w * inverse * max(1.0, squared, u * u))
            meat = Real("meat", (size,), self.scope, (u * w) ** 2, per)
            return (meat, Count.of("there"), *([] if self._canonical else [bread]))
        if name == "likelihood":
            return (Real("likelihood", (3,), self.scope),)
        return (
            Real("score", (p,), self.scope, u * w),
            Real("information", (size,), self.scope, w * inverse * max(1.0, u)),
            Real("figures", (3,), self.scope, w * squared),
            Real("null", (5,), self.scope, w * max(1.0, squared, inverse)),
            Real("totals", (4,), self.scope, max(w, 1.0)),
            Count.of("bad"),
        )

    def _check(self, known: Named) -> None:
        """See that there is something to begin with.

        Raises
        ------
        DataError
            If there is not.
        """
        place, label = self._p(known), self.rows.label
        mean, family, link = float(known["mean"][place]), self.family.name, self.link.name
        plain = self.rows.design.intercept and not self.rows.offset
        if known["constant"][place] and (family == "binomial" or (family == "gaussian" and plain)):
            raise DataError(
                "it is the same in all rows: there is nothing to explain", column=label
            )
        if family == "poisson" and mean == 0:
            raise DataError("it is 0 in all rows: there is nothing to explain", column=label)
        if family in ("poisson", "gamma") and mean <= 0:
            raise DataError(f"it is not {self.family.must}, as {family} needs it", column=label)
        if family == "gaussian" and (
            (link == "log" and mean <= 0) or (link == "inverse" and not mean)
        ):
            raise DataError(
                f"its mean is {mean:.3g}, where the link {link} has nothing", column=label
            )

    def _sizes(self, known: Named) -> tuple[float, float]:
        """Return about how large labels and weights are."""
        names = self.rows.names(known)

        def size(name: str) -> float:
            place = len(names) - 1 - names[::-1].index(name)
            return float(np.hypot(known["mean"][place], known["scale"][place])) or 1.0

        label = 1.0 if self.family.name == "binomial" else size(self.rows.label)
        return label, size(self.rows.weights) if self.rows.weights else 1.0

    def standard(self, known: Named) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return what is taken off each column, and what it is divided by (p,)."""
        p, design = self._p(known), self.rows.design
        mean, scale = known["mean"][:p], known["scale"][:p]
        if not design.intercept:
            return np.zeros(p), np.sqrt(mean**2 + np.where(known["constant"][:p], 0, scale**2))
        return np.where(np.arange(p) == 0, 0.0, mean), scale

    def _rows(self, known: Named, frame: Frame) -> tuple[NDArray[Any], ...]:
        """Return columns (p, n), labels, offsets and weights (n,)."""
        rows = self.rows
        there = frame.complete(rows.needed)
        off, scale = self.standard(known)
        x = rows.design.matrix(known, there)
        z = np.ascontiguousarray(((x - off) / scale).T)
        y = rows.labels(there)
        offset = bits(there.columns[rows.offset]) if rows.offset else np.zeros(len(y))
        weights = bits(there.columns[rows.weights]) if rows.weights else np.ones(len(y))
        return z, y, offset, weights

    def sums(self, name: str, known: Named, frame: Frame) -> Arrays:
        """Add up a slave's rows."""
        z, y, offset, weights = self._rows(known, frame)
        fine = self.family.allowed(y) & (weights >= 0)
        parts: Any = self.parts(name, known)
        if name == "meat":
            at = predictor(z, known["gamma"], offset)
            information, residual = self._working(at, y)
            alike = self.frequency and self.covariance != "cluster"  # rows, each w times
            scores = z.T * (residual * (np.sqrt(weights) if alike else weights))[:, np.newaxis]
            if self.covariance == "cluster":
                one = Real("cluster", (len(z),), self.scope)
                scores = one.decode(one.add(scores))[np.newaxis]
            there = np.array(int(len(y) > 0))
            if self._canonical:
                return [parts[0].add(triangle(scores)), there]
            mu = self.family.valid(self.link.mean(at))
            bent = self.link.bend(at) / self.family.variance(mu)
            bent = bent - information * self.family.variance_slope(mu) / self.family.variance(mu)
            observed = weights * (information - (y - mu) * bent)
            return [parts[0].add(triangle(scores)), there, parts[2].add_products(z, observed)]
        if name == "likelihood":
            shape = weights / self.dispersion(known)
            values = np.column_stack([lgamma(shape), shape * np.log(shape), np.log(y)])
            return [parts[0].add(values)]
        if not fine.all():
            z, y, offset, weights = z[:, fine], y[fine], offset[fine], weights[fine]
        mean = float(known["mean"][self._p(known)])
        begins = name == "step 0"
        eta = None if begins else predictor(z, known["gamma"], offset)
        null = None if begins else known["null_gamma"] + offset
        of_null = self._null(y, null, offset, weights, mean)
        score, information, figures = self._step(y, eta, offset, weights, mean)
        ones = np.ones(len(y))
        totals = [ones, weights, weights * self.family.of_label(y) if fine.any() else ones]
        with np.errstate(divide="ignore"):
            totals.append(np.where(weights > 0, np.log(np.maximum(weights, 1e-300)), 0.0))
        return [
            parts[0].add(z.T * score[:, np.newaxis]),
            parts[1].add_products(z, information),
            parts[2].add(figures),
            parts[3].add(of_null),
            parts[4].add(np.column_stack(totals)),
            np.array(int((~fine).sum())),
        ]

    def _working(self, eta: Any, y: Any) -> tuple[Any, Any]:
        """Return what a row's information and score are, by the weight of the row."""
        mu = self.family.valid(self.link.mean(eta))
        slope, variance = self.link.slope(eta), self.family.variance(mu)
        return slope * slope / variance, (y - mu) * slope / variance

    def _step(self, y: Any, eta: Any, offset: Any, w: Any, mean: float) -> tuple[Any, Any, Any]:
        """Return the score, the information (n,) and the figures (n, 3) of rows."""
        if eta is None:
            mu = self.family.begin(y, mean)
            eta = self.link.of_mean(mu)
            information, score = self._working(eta, y)
            # All of the predictor is still to be explained.
            score = score + information * (eta - offset)
        else:
            mu = self.family.valid(self.link.mean(eta))
            information, score = self._working(eta, y)
        deviance = 2 * w * self.family.half_deviance(y, mu)
        pearson = w * (y - mu) ** 2 / self.family.variance(mu)
        log_likelihood = w * self.family.log_likelihood(y, mu)
        figures = np.column_stack([deviance, log_likelihood, pearson])
        return w * score, w * information, figures

    def _null(self, y: Any, eta: Any, offset: Any, w: Any, mean: float) -> Any:
        score, information, figures = self._step(y, eta, offset, w, mean)
        return np.column_stack([score, information, figures])

    def learn(self, name: str, known: Named, total: Arrays) -> Named:
        """Take a step, or be over."""
        if name == "meat":
            bread = known["information"] if self._canonical else square(total[2])
            return {**known, "meat": square(total[0]), "clusters": total[1], "observed": bread}
        if name == "likelihood":
            return {**known, "of_weights": total[0]}
        score, packed, figures, null, totals, bad = total
        if int(bad):
            raise DataError(
                f"{int(bad)} labels are not {self.family.must}, as {self.family.name} needs them, "
                "or have a weight below 0",
                column=self.rows.label,
            )
        if self._separated(known, figures, totals):
            return {**known, "over": np.array(1), "converged": np.array(0)}
        information = square(packed)
        names = self.rows.design.names(known)
        steps = step_of(known)
        if dependent := _dependent(information, names):
            if not steps:
                raise DataError(dependent)
            # It was none of the columns: some rows' outcomes have become certain.
            return {**known, "over": np.array(CERTAIN_ROWS), "converged": np.array(0)}
        gamma = known["gamma"] if steps else np.zeros(len(names))
        deviance = float(known["figures"][0]) if steps > 1 else np.inf
        if float(figures[0]) > deviance * (1 + RISES) and steps < MOST_STEPS:
            # The step was too long: half of it is taken back.
            half = known["move"] / 2
            return {**known, "gamma": gamma - half, "move": half, "steps": np.array(steps)}
        step = np.linalg.solve(information, score)
        null_step = null[0] / null[1]
        null_gamma = (known["null_gamma"] if steps else 0.0) + null_step
        moved = max(
            float(np.max(np.abs(step) / (1 + np.abs(gamma)))),
            abs(float(null_step)) / (1 + abs(float(null_gamma))),
        )
        converged = steps > 0 and moved <= SMALL_STEP
        return {
            **known,
            "gamma": gamma + step,
            "move": step,
            "null_gamma": np.array(null_gamma),
            "information": information,
            "figures": figures,
            "null_figures": null[2:],
            "totals": totals,
            "steps": np.array(steps),
            "converged": np.array(int(converged)),
            "over": np.array(int(converged or steps >= MOST_STEPS)),
        }

    def _separated(self, known: Named, figures: NDArray[Any], totals: NDArray[Any]) -> bool:
        """Say whether outcomes are certain, so that coefficients grow without end."""
        if self.family.name != "binomial" or "steps" not in known or not int(known["steps"]):
            return False
        none_left = float(figures[0]) < NOTHING_LEFT * float(totals[1])
        return none_left or float(np.abs(known["gamma"]).max()) > CERTAIN


def _dependent(information: NDArray[Any], names: tuple[str, ...]) -> str:
    """Say which column is a combination of those before it; empty if none is."""
    scale = np.sqrt(np.diag(information))
    if (scale == 0).any() or not np.isfinite(scale).all():
        name = names[int(np.argmin(np.nan_to_num(scale)))]
        return f"'{name}' is 0 in all rows that count: leave it out"
    rest = information / np.outer(scale, scale)
    for place, name in enumerate(names):
        own = rest[place, place]
        if own < OWN_SHARE:
            before = ", ".join(names[: min(place, 8)])
            return f"'{name}' is a combination of the columns before it ({before}): leave it out"
        rest = rest - np.outer(rest[:, place], rest[place]) / own
    return ""


def predictor(z: NDArray[Any], gamma: NDArray[Any], offset: NDArray[Any]) -> NDArray[np.float64]:
    """Return ``z g + offset`` (n,), of columns (p, n), with the same bits for any rows beside."""
    eta = offset.copy()
    for column, weight in zip(z, gamma.tolist(), strict=True):
        eta += column * weight
    return eta
