"""Tests of a table of counts, and of means by group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.inference import distributions

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Expected counts below this make chi-squared a poor approximation.
FEW = 5.0


def chi_squared(counts: NDArray[np.int64], *, corrected: bool = False) -> dict[str, Any] | None:
    """Test whether rows and columns of counts (a, b) are independent; None of too small a table.

    `corrected` takes half off each difference, at most all of it (Yates).
    """
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    total, df = int(counts.sum()), (len(rows) - 1) * (len(columns) - 1)
    if df < 1 or not (rows.all() and columns.all()):
        return None
    expected = np.outer(rows, columns) / total
    away = np.abs(counts - expected)
    away = away - np.minimum(0.5, away) if corrected else away
    statistic = float((away**2 / expected).sum())
    found = {"statistic": statistic, "df": df, "p": float(distributions.chi2_tail(statistic, df))}
    return {**found, "least_expected": float(expected.min())}


def tests_of_means(n: NDArray[Any], mean: NDArray[Any], variance: NDArray[Any]) -> dict[str, Any]:
    """Compare means of groups (g,): Student's and Welch's t of two, the analysis of variance."""
    there = n > 0
    n, mean, variance = n[there].astype(float), mean[there], np.nan_to_num(variance[there])
    found: dict[str, Any] = {}
    total, groups = n.sum(), len(n)
    within = float(((n - 1) * variance).sum())
    # Of numbers that vary in no group there is nothing to compare with.
    if groups < 2 or total <= groups or not within:
        return found
    if groups == 2 and (n > 1).all():
        pooled = within / (total - 2) * (1 / n).sum()
        away, each = float(mean[0] - mean[1]), variance / n
        df = float(each.sum() ** 2 / (each**2 / (n - 1)).sum())
        for name, square, left in (("t", pooled, total - 2), ("welch", each.sum(), df)):
            t = away / float(np.sqrt(square))
            p = float(distributions.two_sided(t, left))
            found[name] = {"difference": away, "statistic": t, "df": float(left), "p": p}
    middle = float((n * mean).sum() / total)
    between = float((n * (mean - middle) ** 2).sum())
    df1, df2 = groups - 1, float(total - groups)
    f = between / df1 / (within / df2)
    p = distributions.f_tail(f, df1, df2)
    found["anova"] = {"statistic": f, "df": [df1, df2], "p": p}
    return found
