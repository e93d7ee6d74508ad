"""Tails and quantiles of distributions. SciPy's module of them takes a second to be imported."""

from __future__ import annotations

from importlib.util import find_spec
from threading import Thread
from typing import Any

import numpy as np

from fedredis.errors import UsageError


def prepare() -> None:
    """Import SciPy while others work, so that it is there when there are sums.

    Raises
    ------
    UsageError
        If it is not installed.
    """
    if find_spec("scipy") is None:
        raise UsageError(
            "probabilities need SciPy: install it with `pip install 'fedredis[inference]'`"
        )
    Thread(target=_special, daemon=True).start()


def _special() -> Any:
    from scipy import special

    return special


def two_sided(statistic: Any, df: float | None = None) -> Any:
    """Return the probability of such a z, or t of `df` degrees, or one further from 0."""
    size = -np.abs(statistic)
    return 2 * (_special().ndtr(size) if df is None else _special().stdtr(df, size))


def critical(level: float, df: float | None = None) -> float:
    """Return the z, or t, between whose negative and itself the share `level` lies."""
    upper = (1 + level) / 2
    return float(_special().ndtri(upper) if df is None else _special().stdtrit(df, upper))


def chi2_tail(statistic: Any, df: Any) -> Any:
    """Return the probability of such a chi-squared of `df` degrees, or a larger one."""
    return _special().chdtrc(df, statistic)


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
    ln = _special().gammaln

    def choose(n: Any, k: Any) -> Any:
        return ln(n + 1) - ln(k + 1) - ln(n - k + 1)

    logs = choose(rows, x) + choose(total - rows, column - x) - choose(total, column)
    own = logs[a - x[0]]
    return float(min(1.0, np.exp(logs[logs <= own + 1e-7]).sum()))
