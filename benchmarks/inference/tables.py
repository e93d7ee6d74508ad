"""Tables, descriptions and structure beside those of SciPy, pandas and scikit-learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from benchmarks.inference.asked import Asked, Difference, away


def cells(ask: Asked, row: str, column: str) -> Difference:
    """Compare a table of counts."""
    found, counts = (
        ask(kind="table", row=row, column=column),
        pd.crosstab(ask.frame[row], ask.frame[column]),
    )
    chi, p, *_ = stats.chi2_contingency(counts, correction=False)
    most = away([found["chi_squared"]["statistic"], found["chi_squared"]["p"]], [chi, p])
    if counts.shape == (2, 2):
        most = max(most, away(found["fisher"]["p"], stats.fisher_exact(counts)[1]))
    return "p", found["chi_squared"]["p"], p, most


def means(ask: Asked, row: str, column: str) -> Difference:
    """Compare a number by group."""
    found, groups = ask(kind="table", row=row, column=column), []
    groups = [some[row].dropna() for _, some in ask.frame.groupby(column)]
    anova = stats.f_oneway(*groups)
    most = away([found["anova"]["statistic"], found["anova"]["p"]], anova)
    if len(groups) == 2:
        for name, equal in (("t", True), ("welch", False)):
            own = [found[name]["statistic"], found[name]["p"]]
            most = max(most, away(own, stats.ttest_ind(*groups, equal_var=equal)[:2]))
    return "F", found["anova"]["statistic"], anova[0], most


def described(frame: pd.DataFrame) -> Difference:
    """Compare descriptive statistics; cells are missing."""
    found = Asked(frame, ("age",))(kind="describe")
    columns = {c["name"]: c for c in found["groups"][0]["columns"]}
    quantiles = frame.quantile([0.05, 0.25, 0.5, 0.75, 0.95])
    most = away(found["correlations"]["values"], frame.corr())
    for name, column in columns.items():
        own = [column["n"], column["mean"], column["sd"], *column["quantiles"].values()]
        of = frame[name]
        most = max(most, away(own, [of.count(), of.mean(), of.std(), *quantiles[name]]))
    return "SD of age", columns["age"]["sd"], frame.age.std(), most


def directions(frame: pd.DataFrame) -> Difference:
    """Compare principal components."""
    found, Z = Asked(frame, ("age",))(kind="pca"), (frame - frame.mean()) / frame.std(ddof=0)
    fitted, own = PCA().fit(Z), [c["variance"] for c in found["components"]]
    loadings = [[abs(x) for x in c["loadings"].values()] for c in found["components"]]
    most = max(away(own, fitted.explained_variance_), away(loadings, abs(fitted.components_)))
    return "variance", own[0], fitted.explained_variance_[0], most


def clusters(frame: pd.DataFrame) -> Difference:
    """Compare k-means from the same start."""
    found, Z = (
        Asked(frame, ("age",))(kind="kmeans", starts=1),
        (frame - frame.mean()) / frame.std(ddof=0),
    )
    start = np.random.default_rng([0, 0]).normal(size=(3, frame.shape[1]))
    inertia = KMeans(3, init=start, n_init=1, tol=0).fit(Z).inertia_
    return "inertia", found["inertia"], inertia, away(found["inertia"], inertia)
