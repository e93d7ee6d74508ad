"""Survival curves and the comparison of groups, from the numbers of deaths and rows at risk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.inference import distributions

if TYPE_CHECKING:
    from numpy.typing import NDArray


def curve(
    times: NDArray[Any], died: NDArray[Any], at_risk: NDArray[Any], level: float
) -> dict[str, Any]:
    """Return the estimate of Kaplan and Meier at the times (k,) at which somebody died.

    Intervals are Greenwood's, on the scale ``log(-log S)``, as in lifelines::

        S(t) = prod (1 - d / n)      V = sum d / (n (n - d))      S^exp(+-z sqrt(V) / log S)
    """
    there = died > 0
    t, d, n = times[there], died[there].astype(float), at_risk[there].astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        survival = np.exp(np.cumsum(np.log1p(-d / n)))
        variance = np.cumsum(d / (n * (n - d)))
        log = np.log(survival)
        away = distributions.critical(level) * np.sqrt(variance) / log
        low, high = np.exp(log * np.exp(-away)), np.exp(log * np.exp(away))
    below = np.flatnonzero(survival <= 0.5)
    return {
        "time": t.tolist(),
        "at_risk": at_risk[there].tolist(),
        "died": died[there].tolist(),
        "survival": survival.tolist(),
        "low": np.where(survival > 0, low, 0.0).tolist(),
        "high": np.where(survival > 0, high, 0.0).tolist(),
        "median": float(t[below[0]]) if len(below) else None,
    }


def log_rank(died: NDArray[Any], at_risk: NDArray[Any]) -> dict[str, Any]:
    """Compare the groups of deaths and rows at risk (groups, k).

    With n and d over all groups, the deaths of group g are hypergeometric at each time::

        E_g = n_g d / n      V_gh = d (n - d) / (n - 1) (n_g / n) (1[g = h] - n_h / n)
    """
    d, n = died.sum(axis=0), at_risk.sum(axis=0).astype(float)
    share = at_risk / n
    expected = (share * d).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.where(n > 1, d * (n - d) / (n - 1), 0.0)
    variance = np.diag((share * spread).sum(axis=1)) - (share * spread) @ share.T
    away, df = died.sum(axis=1) - expected, len(died) - 1
    statistic = float(away[:-1] @ np.linalg.pinv(variance[:-1, :-1]) @ away[:-1])
    return {
        "statistic": statistic,
        "df": df,
        "p": float(distributions.chi2_tail(statistic, df)),
        "observed": died.sum(axis=1).tolist(),
        "expected": expected.tolist(),
    }
