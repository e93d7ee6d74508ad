"""Tails and quantiles of distributions.

SciPy has them all, but its import takes longer than slaves take to answer.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np

from fedredis.inference.beta import incomplete, log_beta
from fedredis.inference.families import erfc, lgamma

#: Steps of Newton's method at most, and the relative step that is none.
MOST_STEPS, SMALL = 100, 1e-15


def two_sided(statistic: Any, df: float | None = None) -> Any:
    """Return the probability of such a z, or t of `df` degrees, or one further from 0."""
    size = np.abs(np.asarray(statistic, float))
    if df is None:
        return erfc(size / math.sqrt(2))
    found = [_beyond(t, df) for t in size.ravel().tolist()]
    return np.array(found).reshape(size.shape)


def _beyond(t: float, df: float) -> float:
    """Return the probability of such a t >= 0 or one further from 0; NaN of NaN."""
    if math.isnan(t) or math.isinf(t):
        return 0.0 if t > 0 else math.nan
    ratio = t * t / df
    return incomplete(df / 2, 0.5, 1 / (1 + ratio), ratio / (1 + ratio))


def critical(level: float, df: float | None = None) -> float:
    """Return the z, or t, between whose negative and itself the share `level` lies."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    if df is None:
        return z
    # Newton's method for the logarithm of the tail, which is convex, from below.
    t, log = z, math.log1p(-level)
    for _ in range(MOST_STEPS):
        tail = _beyond(t, df)
        density = math.exp(
            -(df + 1) / 2 * math.log1p(t * t / df) - math.log(df) / 2 - log_beta(df / 2, 0.5)
        )
        step = (math.log(tail) - log) * tail / (2 * density)
        t += step
        if abs(step) <= SMALL * t:
            break
    return t


def chi2_tail(statistic: Any, df: int) -> Any:
    """Return the probability of such a chi-squared of `df` degrees, or a larger one.

    A finite sum, of which all terms are positive (Abramowitz and Stegun, 26.4.4 and 26.4.5).
    """
    half = np.maximum(np.asarray(statistic, float), 0) / 2
    found = erfc(np.sqrt(half)) if df % 2 else np.zeros_like(half)
    with np.errstate(divide="ignore"):
        log = np.log(half)
    for power in np.arange(df // 2) + df % 2 / 2:
        size = power * log if power else 0.0
        found = found + np.exp(size - half - math.lgamma(power + 1))
    return found


def f_tail(statistic: float, df1: float, df2: float) -> float:
    """Return the probability of such an F, or a larger one."""
    if not 0 < statistic < math.inf:
        return 1.0 if statistic <= 0 else 0.0 if statistic > 0 else math.nan
    ratio = df1 * statistic / df2
    return incomplete(df2 / 2, df1 / 2, 1 / (1 + ratio), ratio / (1 + ratio))


def fisher(table: Any) -> float:
    """Return Fisher's exact two-sided probability of a 2 by 2 table.

    The sum over all tables with its margins that are no more likely than it, up to rounding.
    """
    (a, b), (c, d) = np.asarray(table).tolist()
    rows, column, total = a + b, a + c, a + b + c + d
    x = np.arange(max(0, column - (c + d)), min(rows, column) + 1)

    def choose(n: Any, k: Any) -> Any:
        return lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0)

    logs = choose(rows, x) + choose(total - rows, column - x) - choose(total, column)
    own = logs[a - x[0]]
    return float(min(1.0, np.exp(logs[logs <= own + 1e-7]).sum()))
