"""Families of generalised linear models and their links: all by row, arrays (n,) in and out.

McCullagh and Nelder, Generalized Linear Models, 2nd edition, 1989. Only operations by element are
used, so that a row's numbers have the same bits whatever rows stand beside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Array = NDArray[np.float64]
#: Linear predictors are kept between these where they are the logarithm of something.
MOST_LOG = 38.0
#: Means are kept so far from where they may not be.
TINY = np.finfo(np.float64).tiny
EPS = np.finfo(np.float64).eps

_LGAMMA = np.frompyfunc(math.lgamma, 1, 1)
_ERFC = np.frompyfunc(math.erfc, 1, 1)
_INVERSE = np.frompyfunc(NormalDist().inv_cdf, 1, 1)


def lgamma(x: Array) -> Array:
    """Return the logarithm of the gamma function."""
    return np.asarray(_LGAMMA(x), np.float64)


def erfc(x: Array) -> Array:
    """Return the complementary error function."""
    return np.asarray(_ERFC(x), np.float64)


@dataclass(frozen=True)
class Link:
    """How means (n,) follow from linear predictors (n,)."""

    name: str
    #: The predictor of a mean, the mean of a predictor, and its first two derivatives there.
    of_mean: Callable[[Array], Array]
    mean: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    bend: Callable[[Array], Array]
    #: What exponentials of coefficients are called, if they are anything.
    ratio: str = ""


def _logistic_slope(eta: Array) -> Array:
    e = np.exp(-np.abs(eta))
    return np.asarray(e / (1 + e) ** 2)


def _density(eta: Array) -> Array:
    return np.asarray(np.exp(-eta * eta / 2) / math.sqrt(2 * math.pi))


def _gumbel(eta: Array) -> Array:
    return np.exp(np.minimum(eta, MOST_LOG) - _log_clipped(eta))


def _log_clipped(eta: Array) -> Array:
    return np.exp(np.clip(eta, -MOST_LOG, MOST_LOG))


def _logistic(eta: Array) -> Array:
    e = np.exp(-np.abs(eta))
    return np.where(eta >= 0, 1.0, e) / (1.0 + e)


def _normal(eta: Array) -> Array:
    return erfc(-eta / math.sqrt(2.0)) / 2.0


def _quantile(mu: Array) -> Array:
    return np.asarray(_INVERSE(mu), np.float64)


LINKS: Mapping[str, Link] = {
    link.name: link
    for link in (
        Link("identity", lambda m: m, lambda e: e, np.ones_like, np.zeros_like),
        Link("log", np.log, _log_clipped, _log_clipped, _log_clipped, "rate ratio"),
        Link(
            "logit",
            of_mean=lambda m: np.log(m / (1 - m)),
            mean=_logistic,
            slope=_logistic_slope,
            bend=lambda e: _logistic_slope(e) * (1 - 2 * _logistic(e)),
            ratio="odds ratio",
        ),
        Link("probit", _quantile, _normal, _density, lambda e: -e * _density(e)),
        Link(
            "cloglog",
            of_mean=lambda m: np.log(-np.log1p(-m)),
            mean=lambda e: -np.expm1(-_log_clipped(e)),
            slope=_gumbel,
            bend=lambda e: _gumbel(e) * (1 - _log_clipped(e)),
            ratio="hazard ratio",
        ),
        Link(
            "inverse",
            of_mean=lambda m: 1 / m,
            mean=lambda e: 1 / e,
            slope=lambda e: -1 / (e * e),
            bend=lambda e: 2 / (e * e * e),
        ),
        Link("sqrt", np.sqrt, lambda e: e * e, lambda e: 2 * e, lambda e: np.full_like(e, 2)),
    )
}


@dataclass(frozen=True)
class Family:
    """How labels (n,) spread about their means (n,)."""

    name: str
    #: Its links, the canonical one first.
    links: tuple[str, ...]
    variance: Callable[[Array], Array]
    #: The derivative of the variance by the mean.
    variance_slope: Callable[[Array], Array]
    #: Half of what a row adds to the deviance, given label and mean.
    half_deviance: Callable[[Array, Array], Array]
    #: The part of the log-likelihood that has the mean in it, and the part that has not, where the
    #: dispersion is 1.
    log_likelihood: Callable[[Array, Array], Array]
    of_label: Callable[[Array], Array]
    #: Keeps means where they may be.
    valid: Callable[[Array], Array]
    #: Which labels can be.
    allowed: Callable[[Array], NDArray[np.bool_]]
    must: str
    #: A mean to begin with, given labels and their mean.
    begin: Callable[[Array, float], Array]
    #: Whether the spread is estimated.
    dispersed: bool = False


def _xlogy(x: Array, y: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x == 0, 0.0, x * np.log(y))


def _binomial(y: Array, m: Array) -> Array:
    return _xlogy(y, m) + _xlogy(1 - y, 1 - m)


def _positive(m: Array) -> Array:
    return np.maximum(m, TINY)


def _halfway(y: Array, mean: float) -> Array:
    return (y + mean) / 2


FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family(
            "gaussian",
            links=("identity", "log", "inverse"),
            variance=np.ones_like,
            variance_slope=np.zeros_like,
            half_deviance=lambda y, m: (y - m) ** 2 / 2,
            log_likelihood=lambda y, m: -((y - m) ** 2) / 2,
            of_label=lambda y: np.full_like(y, -math.log(2 * math.pi) / 2),
            valid=lambda m: m,
            allowed=np.isfinite,
            must="numbers",
            # Labels may lie where the link has no predictor.
            begin=np.full_like,
            dispersed=True,
        ),
        Family(
            "binomial",
            links=("logit", "probit", "cloglog", "log"),
            variance=lambda m: m * (1 - m),
            variance_slope=lambda m: 1 - 2 * m,
            half_deviance=lambda y, m: _binomial(y, y) - _binomial(y, m),
            log_likelihood=_binomial,
            of_label=np.zeros_like,
            valid=lambda m: np.clip(m, EPS, 1 - EPS),
            allowed=lambda y: (y >= 0) & (y <= 1),
            must="from 0 to 1",
            begin=lambda y, mean: (y + 0.5) / 2,
        ),
        Family(
            "poisson",
            links=("log", "identity", "sqrt"),
            variance=lambda m: m,
            variance_slope=np.ones_like,
            half_deviance=lambda y, m: _xlogy(y, y) - _xlogy(y, m) - (y - m),
            log_likelihood=lambda y, m: _xlogy(y, m) - m,
            of_label=lambda y: -lgamma(y + 1),
            valid=_positive,
            allowed=lambda y: y >= 0,
            must="0 or more",
            begin=_halfway,
        ),
        Family(
            "gamma",
            links=("inverse", "log", "identity"),
            variance=lambda m: m * m,
            variance_slope=lambda m: 2 * m,
            half_deviance=lambda y, m: (y - m) / m - np.log(y / m),
            log_likelihood=lambda y, m: -np.log(m) - y / m,
            of_label=np.log,
            valid=_positive,
            allowed=lambda y: y > 0,
            must="above 0",
            begin=_halfway,
            dispersed=True,
        ),
    )
}


def choose(family: str, link: str | None) -> tuple[Family, Link]:
    """Return a family and a link of it, the canonical one if none is named.

    Raises
    ------
    UsageError
        If the family has no such link.
    """
    chosen = FAMILIES[family]
    if link is not None and link not in chosen.links:
        raise UsageError(f"the family {family} has the links {', '.join(chosen.links)}")
    return chosen, LINKS[link or chosen.links[0]]


def bits(values: Any) -> Array:
    """Return numbers as a contiguous array, on which operations by element have the same bits."""
    return np.ascontiguousarray(values, np.float64)
