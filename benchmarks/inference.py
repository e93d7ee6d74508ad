"""Analyses beside the packages that do them on the rows in one place: the table of the docs.

    python -m benchmarks.inference

Rows are cut among 10 slaves, and added up as they are in a run. Of each analysis the largest
difference is printed, relative to the larger of the value and 0.001.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.datasets import load_gbsg2, load_rossi, load_waltons
from lifelines.statistics import multivariate_logrank_test
from scipy import stats
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from fedredis.config import RunConfig
from fedredis.data.file import read
from fedredis.data.reading import Reading
from fedredis.exchanges.here import drive
from fedredis.exchanges.setup import Prepared, Setup

SLAVES = 10
FAMILIES = sm.families
#: Figures of a coefficient, as they are called here and there.
FIGURES = {"estimate": "params", "se": "bse", "statistic": "tvalues", "p": "pvalues"}


def ask(frame: pd.DataFrame, **analysis: Any) -> dict[str, Any]:
    """Answer a question in this process."""
    table = read(frame, Reading(label="", columns=list(frame), missing="mean"))
    config = RunConfig(
        "d",
        table.columns,
        (),
        SLAVES,
        len(table.X),
        reading=Reading(missing="mean"),
        analysis={"texts": table.texts, **analysis},
    )
    setup, none = Setup(config), np.zeros(0)
    cut = np.array_split(table.X, SLAVES)
    rows = {str(i): Prepared(x, np.zeros(len(x)), x[:0], none) for i, x in enumerate(cut)}
    progress = drive(setup, rows)
    return setup.analysis.result(progress.artifacts[progress.preprocessing])


def away(ours: Any, theirs: Any) -> float:
    """Return the largest difference."""
    one, other = np.asarray(ours, float), np.asarray(theirs, float)
    return float((np.abs(one - other) / np.maximum(np.abs(other), 1e-3)).max(initial=0.0))


def glm(module: Any, label: str, family: str, theirs: Any, t: bool) -> tuple[float, str, float]:
    """Return the largest difference of a regression, and a figure of both."""
    frame = module.load_pandas().data.astype(float)
    found = ask(frame, kind="glm", label=label, family=family)
    X = sm.add_constant(frame.drop(columns=label))
    start = np.array([line["estimate"] for line in found["coefficients"]])
    fit = sm.GLM(frame[label], X, family=theirs).fit(start_params=start, tol=1e-15, use_t=t)
    most = max(
        away([line[ours] for line in found["coefficients"]], getattr(fit, name))
        for ours, name in FIGURES.items()
    )
    most = max(most, away(found["log_likelihood"], fit.llf), away(found["deviance"], fit.deviance))
    return found["log_likelihood"], str(fit.llf), most


def cox() -> tuple[float, str, float]:
    """Return the largest difference of proportional hazards."""
    frame = load_rossi().astype(float)
    columns = [name for name in frame if name not in ("week", "arrest")]
    found = ask(frame, kind="survival", time="week", event="arrest", terms=[[c] for c in columns])
    start = np.array([line["estimate"] for line in found["coefficients"]]) * frame[columns].std()
    precise = {"precision": 1e-13, "r_precision": 1e-15}
    fit = CoxPHFitter().fit(
        frame, "week", "arrest", initial_point=start.to_numpy(), fit_options=precise
    )
    names = {"estimate": "coef", "se": "se(coef)", "statistic": "z", "p": "p"}
    most = max(
        away([line[ours] for line in found["coefficients"]], fit.summary[name])
        for ours, name in names.items()
    )
    return found["log_likelihood"], str(fit.log_likelihood_), most


def rows() -> list[tuple[str, str, float, float, float]]:
    """Return a line of the table for each analysis."""
    sets, lines = sm.datasets, []
    for title, *of in (
        ("logistic regression, `spector`", sets.spector, "GRADE", "binomial", "Binomial", False),
        ("Poisson regression, `randhie`", sets.randhie, "mdvis", "poisson", "Poisson", False),
        ("Gamma regression, `scotland`", sets.scotland, "YES", "gamma", "Gamma", True),
        ("least squares, `longley`", sets.longley, "TOTEMP", "gaussian", "Gaussian", True),
    ):
        module, label, family, theirs, t = of
        ours, other, most = glm(module, label, family, getattr(FAMILIES, theirs)(), t)
        lines.append((title, "log-likelihood", ours, float(other), most))
    ours, other, most = cox()
    lines.append(("Cox, Efron, `rossi`", "log-likelihood", ours, float(other), most))
    frame = load_waltons()
    found = ask(frame, kind="survival", time="T", event="E", by="group")
    most = 0.0
    for curve, (_, some) in zip(found["curves"], frame.groupby("group"), strict=True):
        fit = KaplanMeierFitter().fit(some["T"], some["E"])
        most = max(most, away(curve["survival"], fit.predict(curve["time"])))
    test = multivariate_logrank_test(frame["T"], frame["group"], frame["E"])
    ours = found["log_rank"]["statistic"]
    most = max(most, away(ours, test.test_statistic))
    lines.append(
        ("Kaplan-Meier, log-rank, `waltons`", "chi-squared", ours, test.test_statistic, most)
    )
    frame = load_gbsg2()
    found = ask(frame, kind="table", row="horTh", column="tgrade")
    chi = stats.chi2_contingency(pd.crosstab(frame.horTh, frame.tgrade))
    own = found["chi_squared"]
    lines.append(("chi-squared, `gbsg2`", "p", own["p"], chi[1], away(own["p"], chi[1])))
    found = ask(frame, kind="table", row="estrec", column="menostat")
    t = stats.ttest_ind(*[g.estrec for _, g in frame.groupby("menostat")], equal_var=False)
    lines.append(
        (
            "Welch's t, `gbsg2`",
            "t",
            found["welch"]["statistic"],
            t[0],
            away(found["welch"]["p"], t[1]),
        )
    )
    numbers = frame.select_dtypes("number")
    found = ask(numbers, kind="describe")
    described = {c["name"]: c for c in found["groups"][0]["columns"]}
    ours, theirs = described["age"]["sd"], numbers.age.std()
    most = max(
        away(found["correlations"]["values"], numbers.corr()),
        *(
            away([c["mean"], c["sd"]], [numbers[n].mean(), numbers[n].std()])
            for n, c in described.items()
        ),
        *(
            away([*c["quantiles"].values()], numbers[n].quantile([0.05, 0.25, 0.5, 0.75, 0.95]))
            for n, c in described.items()
        ),
    )
    lines.append(("describe, `gbsg2`", "SD of age", ours, theirs, most))
    found, Z = ask(numbers, kind="pca"), (numbers - numbers.mean()) / numbers.std(ddof=0)
    fit = PCA().fit(Z)
    own = [c["variance"] for c in found["components"]]
    lines.append(
        (
            "principal components, `gbsg2`",
            "variance",
            own[0],
            fit.explained_variance_[0],
            away(own, fit.explained_variance_),
        )
    )
    found = ask(numbers, kind="kmeans", clusters=3, starts=1)
    start = np.random.default_rng([0, 0]).normal(size=(3, numbers.shape[1]))
    inertia = KMeans(3, init=start, n_init=1, tol=0).fit(Z).inertia_
    lines.append(
        ("k-means, `gbsg2`", "inertia", found["inertia"], inertia, away(found["inertia"], inertia))
    )
    return lines


def main() -> None:
    """Print the table."""
    print("| analysis | figure | fedredis, 10 slaves | pooled | largest difference |")
    print("|---|---|---|---|---|")
    for title, figure, ours, theirs, most in rows():
        print(f"| {title} | {figure} | {ours:.10g} | {theirs:.10g} | {most:.0e} |")


if __name__ == "__main__":
    main()
