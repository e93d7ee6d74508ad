"""Tails and quantiles of distributions.

SciPy's module of them takes longer to be imported than slaves to answer, and not everybody has it:
only t and F are taken from there.
"""

from __future__ import annotations

import math
from importlib.util import find_spec
from statistics import NormalDist
from threading import Thread
from typing import Any

import numpy as np

from fedredis.errors import UsageError
from fedredis.inference.families import lgamma

#: Degrees of freedom up to which a sum has few terms.
MANY = 1000
_ERFC = np.frompyfunc(math.erfc, 1, 1)


def prepare() -> None:
    """Import SciPy while others work, so that it is there when there are sums.

    Raises
    ------
    UsageError
        If it is not installed.
    """
    if find_spec("scipy") is None:
        raise UsageError("t and F need SciPy: install it with `pip install 'fedredis[inference]'`")
    Thread(target=_special, daemon=True).start()


def _special() -> Any:
    from scipy import special

    return special


def two_sided(statistic: Any, df: float | None = None) -> Any:
    """Return the probability of such a z, or t of `df` degrees, or one further from 0."""
    size = np.abs(statistic)
    return _erfc(size / math.sqrt(2)) if df is None else 2 * _special().stdtr(df, -size)


def critical(level: float, df: float | None = None) -> float:
    """Return the z, or t, between whose negative and itself the share `level` lies."""
    upper = (1 + level) / 2
    return NormalDist().inv_cdf(upper) if df is None else float(_special().stdtrit(df, upper))


def chi2_tail(statistic: Any, df: int) -> Any:
    """Return the probability of such a chi-squared of `df` degrees, or a larger one.

    A finite sum, of which all terms are positive (Abramowitz and Stegun, 26.4.4 and 26.4.5).
    """
    if df > MANY:
        return _special().chdtrc(df, statistic)
    half = np.maximum(np.asarray(statistic, float), 0) / 2
    found = _erfc(np.sqrt(half)) if df % 2 else np.zeros_like(half)
    with np.errstate(divide="ignore"):
        log = np.log(half)
    for power in np.arange(df // 2) + df % 2 / 2:
        size = power * log if power else 0.0
        found = found + np.exp(size - half - math.lgamma(power + 1))
    return found


def _erfc(x: Any) -> Any:
    return np.asarray(_ERFC(x), float)


def f_tail(statistic: float, df1: float, df2: float) -> float:
    """Return the probability of such an F, or a larger one."""
    return float(_special().fdtrc(df1, df2, statistic))


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
