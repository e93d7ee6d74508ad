"""Analyses beside the packages that do them on the rows in one place: the table of the docs.

    python -m benchmarks.inference

Each question is asked of 1, 3 and 10 slaves, cut in the order of the rows and sorted by a column,
so that some have one label, or a category that nobody else has. All answers must be the same, bit
by bit. The largest difference from the package is printed, relative to the larger of value and
0.001.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf
from lifelines import CoxPHFitter, KaplanMeierFitter, datasets
from lifelines.statistics import multivariate_logrank_test, proportional_hazard_test
from scipy import stats
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from fedredis.api.inference.formula import parse
from fedredis.config import RunConfig
from fedredis.data.reading import Reading
from fedredis.data.source import load
from fedredis.exchanges.here import drive
from fedredis.exchanges.setup import Prepared, Setup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CUTS = (1, 3, 10)
#: What is as good as equal.
CLOSE = 1e-8
F, L = sm.families, sm.families.links
#: Figures of a coefficient, as they are called here and there.
OF_GLM = {"estimate": "params", "se": "bse", "statistic": "tvalues", "p": "pvalues"}
OF_COX = {"estimate": "coef", "se": "se(coef)", "statistic": "z", "p": "p"}
#: What statsmodels has of data sets with a number to explain.
SETS = (
    "longley",
    "stackloss",
    "scotland",
    "copper",
    "ccard",
    "engel",
    "fair",
    "strikes",
)
Difference = tuple[str, float, float, float]


@dataclass(frozen=True)
class Asked:
    """Rows, and by which column they are sorted for the other cuts."""

    frame: pd.DataFrame
    sort: str | None = None

    def __call__(self, *, cuts: tuple[int, ...] = CUTS, **analysis: Any) -> dict[str, Any]:
        """Answer a question in this process, of all cuts."""
        frame = self.frame
        words = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
        reading = Reading(label="", columns=list(frame), categories=words, missing="mean")
        table = load(frame, reading)
        orders = [np.arange(len(table.X))]
        if self.sort:
            orders.append(frame[self.sort].reset_index(drop=True).sort_values().index.to_numpy())
        config = {
            "reading": Reading(missing="mean"),
            "analysis": {"texts": table.texts, **analysis},
        }
        found = set()
        for slaves in cuts:
            setup = Setup(RunConfig("d", table.columns, (), slaves, len(table.X), **config))
            for order in orders:
                cut, none = np.array_split(table.X[order], slaves), np.zeros(0)
                rows = {
                    str(i): Prepared(x, np.zeros(len(x)), x[:0], none) for i, x in enumerate(cut)
                }
                progress = drive(setup, rows)
                known = progress.artifacts[progress.preprocessing]
                found.add(json.dumps(setup.analysis.result(known)))
        if len(found) > 1:
            raise AssertionError("another cut, another answer")
        return dict(json.loads(found.pop()))


def away(ours: Any, theirs: Any) -> float:
    """Return the largest difference."""
    one, other = np.asarray(ours, float), np.asarray(theirs, float)
    return float((np.abs(one - other) / np.maximum(np.abs(other), 1e-3)).max(initial=0.0))


def glm(
    ask: Asked,
    formula: str,
    family: Any,
    theirs: str = "",
    sm_how: Any = None,
    fit: Any = None,
    **own: Any,
) -> Difference:
    """Compare a regression; `theirs` is the formula as statsmodels reads it."""
    terms = parse(formula)
    asked = {"label": terms.label, "terms": [list(t) for t in terms.terms], "kind": "glm", **own}
    found = ask(family=type(family).__name__.lower(), **asked)
    lines = found["coefficients"]
    t = found["family"] in ("gaussian", "gamma") and found["covariance"] == "model"
    model = smf.glm(theirs or formula, ask.frame, family=family, **(sm_how or {}))
    # From where ours ends, so that theirs has converged as well. Columns are in another order.
    place = {
        name.replace("C(", "").replace(")", ""): line
        for name, line in zip([line["name"] for line in lines], lines, strict=True)
    }
    lines = [place.get(n.replace("C(", "").replace(")", "")) for n in model.exog_names]
    start = np.array([line["estimate"] for line in lines])
    how = {"use_t": t, **(fit or {})}
    fitted = model.fit(start_params=start, tol=1e-15, maxiter=8, **how)
    most = max(away([x[o] for x in lines], getattr(fitted, n)) for o, n in OF_GLM.items())
    most = max(most, away(found["log_likelihood"], fitted.llf))
    most = max(most, away(found["deviance"], fitted.deviance))
    return "log-likelihood", found["log_likelihood"], float(fitted.llf), most


def ols(name: str) -> Difference:
    """Compare least squares on a data set of statsmodels."""
    data = getattr(sm.datasets, name).load_pandas()
    exog = data.exog.loc[:, data.exog.nunique() > 1].astype(float)
    frame = exog.assign(y=np.asarray(data.endog, float)).dropna()
    frame.columns = [f"c{i}" for i in range(exog.shape[1])] + ["y"]
    found = Asked(frame, "y")(kind="glm", label="y")
    fitted = sm.OLS(frame.y, sm.add_constant(frame.drop(columns="y"))).fit()
    lines = found["coefficients"]
    most = max(away([x[o] for x in lines], getattr(fitted, n)) for o, n in OF_GLM.items())
    f = away(found["against_null"]["statistic"], fitted.fvalue)
    return "log-likelihood", found["log_likelihood"], float(fitted.llf), max(most, f)


def cox(frame: pd.DataFrame, time: str, event: str, how: Any = None, **own: Any) -> Difference:
    """Compare proportional hazards and the test of them."""
    how, left = how or {}, own.get("strata", "")
    columns = [c for c in frame if c not in (time, event, left, own.get("weights", ""))]
    asked = {"kind": "survival", "time": time, "event": event, "terms": [[c] for c in columns]}
    found = Asked(frame, columns[0])(**asked, **own)
    start = np.array([x["estimate"] for x in found["coefficients"]]) * frame[columns].std()
    precise = {"precision": 1e-13, "r_precision": 1e-15}
    fitted = CoxPHFitter().fit(
        frame, time, event, initial_point=start.to_numpy(), fit_options=precise, **how
    )
    lines = found["coefficients"]
    most = max(away([x[o] for x in lines], fitted.summary[n]) for o, n in OF_COX.items())
    tested = proportional_hazard_test(fitted, frame, time_transform="km").test_statistic
    most = max(most, away([x["statistic"] for x in found["proportionality"]], tested))
    return "log-likelihood", found["log_likelihood"], fitted.log_likelihood_, most


def breslow() -> Difference:
    """Compare ties that are taken at once."""
    frame = datasets.load_rossi().astype(float)
    columns = [c for c in frame if c not in ("week", "arrest")]
    asked = {"kind": "survival", "time": "week", "event": "arrest", "ties": "breslow"}
    found = Asked(frame, "age")(terms=[[c] for c in columns], **asked)
    fitted = sm.PHReg(frame.week, frame[columns], frame.arrest, ties="breslow").fit()
    own = [[x[n] for x in found["coefficients"]] for n in ("estimate", "se")]
    most = max(away(own, [fitted.params, fitted.bse]), away(found["log_likelihood"], fitted.llf))
    return "log-likelihood", found["log_likelihood"], float(fitted.llf), most


def curves(frame: pd.DataFrame, time: str, event: str, by: str) -> Difference:
    """Compare curves, and the test of their groups."""
    found = Asked(frame, by)(kind="survival", time=time, event=event, by=by)
    there, most = frame.dropna(subset=[by]), 0.0
    for curve, (_, some) in zip(found["curves"], there.groupby(by), strict=True):
        fitted = KaplanMeierFitter().fit(some[time], some[event])
        most = max(most, away(curve["survival"], fitted.predict(curve["time"])))
        below = np.array(curve["survival"]) > 0
        interval = fitted.confidence_interval_.loc[curve["time"]].to_numpy()
        own = np.column_stack([curve["low"], curve["high"]])
        most = max(most, away(own[below], interval[below]))
    test = multivariate_logrank_test(there[time], there[by], there[event])
    ours = found["log_rank"]
    most = max(most, away([ours["statistic"], ours["p"]], [test.test_statistic, test.p_value]))
    return "chi-squared", ours["statistic"], test.test_statistic, most


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
    found = Asked(frame, "age")(kind="describe")
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
    found, Z = Asked(frame, "age")(kind="pca"), (frame - frame.mean()) / frame.std(ddof=0)
    fitted, own = PCA().fit(Z), [c["variance"] for c in found["components"]]
    loadings = [[abs(x) for x in c["loadings"].values()] for c in found["components"]]
    most = max(away(own, fitted.explained_variance_), away(loadings, abs(fitted.components_)))
    return "variance", own[0], fitted.explained_variance_[0], most


def clusters(frame: pd.DataFrame) -> Difference:
    """Compare k-means from the same start."""
    found, Z = (
        Asked(frame, "age")(kind="kmeans", starts=1),
        (frame - frame.mean()) / frame.std(ddof=0),
    )
    start = np.random.default_rng([0, 0]).normal(size=(3, frame.shape[1]))
    inertia = KMeans(3, init=start, n_init=1, tol=0).fit(Z).inertia_
    return "inertia", found["inertia"], inertia, away(found["inertia"], inertia)


def lines() -> Iterator[tuple[str, Callable[[], Difference]]]:
    """Yield what is compared, and the comparison."""
    rng = np.random.default_rng(0)
    sets = {name: getattr(sm.datasets, name).load_pandas().data for name in ("spector", "randhie")}
    sets["scotland"] = sm.datasets.scotland.load_pandas().data
    for frame in sets.values():
        frame["w"], frame["o"] = rng.integers(1, 4, len(frame)), rng.normal(size=len(frame)) / 10
    randhie = sets["randhie"].head(3000).copy()
    randhie["site"] = rng.choice(["a", "b", "c"], len(randhie), p=[0.6, 0.35, 0.05])
    grade, visits, yes = (
        Asked(sets["spector"], "GRADE"),
        Asked(randhie, "mdvis"),
        Asked(sets["scotland"], "YES"),
    )
    site = Asked(randhie, "site")
    of_grade, of_yes = (
        "GRADE ~ GPA + TUCE + PSI",
        "YES ~ COUTAX + UNEMPF + MOR + ACT + GDP + AGE + COUTAX_FEMALEUNEMP",
    )
    of_visits = "mdvis ~ lncoins + lpi + physlm + disea"
    w, o = {"weights": "w"}, {"offset": "o"}
    yield "logistic, `spector`", lambda: glm(grade, of_grade, F.Binomial())
    yield "probit, `spector`", lambda: glm(grade, of_grade, F.Binomial(L.Probit()), link="probit")
    yield (
        "cloglog, `spector`",
        lambda: glm(grade, of_grade, F.Binomial(L.CLogLog()), link="cloglog"),
    )
    yield (
        "logistic, weighted, `spector`",
        lambda: glm(grade, of_grade, F.Binomial(), sm_how={"var_weights": grade.frame.w}, **w),
    )
    yield "Poisson, `randhie`", lambda: glm(visits, of_visits, F.Poisson())
    yield (
        "Poisson, offset, `randhie`",
        lambda: glm(visits, of_visits, F.Poisson(), sm_how={"offset": visits.frame.o}, **o),
    )
    yield (
        "Poisson, frequencies, `randhie`",
        lambda: glm(
            visits,
            of_visits,
            F.Poisson(),
            sm_how={"freq_weights": visits.frame.w},
            frequency=True,
            **w,
        ),
    )
    yield (
        "Poisson, a category of one site, interaction, `randhie`",
        lambda: glm(site, "mdvis ~ C(site) + disea + C(site):disea", F.Poisson()),
    )
    yield (
        "Poisson, HC0, `randhie`",
        lambda: glm(visits, of_visits, F.Poisson(), fit={"cov_type": "HC0"}, covariance="HC0"),
    )
    slaves = {"groups": np.repeat(np.arange(10), 300)}
    clustered = {"cov_type": "cluster", "cov_kwds": slaves}
    yield (
        "Poisson, clustered by slave, `randhie`",
        lambda: glm(
            Asked(randhie),
            of_visits,
            F.Poisson(),
            fit=clustered,
            covariance="cluster",
            cuts=(10,),
        ),
    )
    yield "Gamma, `scotland`", lambda: glm(yes, of_yes, F.Gamma())
    yield (
        "Gamma, log, weighted, `scotland`",
        lambda: glm(
            yes, of_yes, F.Gamma(L.Log()), sm_how={"var_weights": yes.frame.w}, link="log", **w
        ),
    )
    for name in SETS:
        yield f"least squares, `{name}`", lambda name=name: ols(name)
    rossi = datasets.load_rossi().astype(float)
    weighted = rossi.assign(w=rng.integers(1, 4, len(rossi)).astype(float))
    strata = rossi.assign(race=np.where(rossi.race == 1, "black", "other"))
    yield "Cox, Efron, `rossi`", lambda: cox(rossi, "week", "arrest")
    yield "Cox, Breslow, `rossi`", breslow
    yield (
        "Cox, weighted, `rossi`",
        lambda: cox(
            weighted, "week", "arrest", {"weights_col": "w", "robust": False}, weights="w"
        ),
    )
    yield (
        "Cox, strata, `rossi`",
        lambda: cox(strata, "week", "arrest", {"strata": ["race"]}, strata="race"),
    )
    lung = datasets.load_lung()[["time", "status", "age", "sex", "ph.ecog"]].dropna().astype(float)
    lung["status"] = (lung.status > lung.status.min()).astype(float)
    yield "Cox, `lung`", lambda: cox(lung, "time", "status")
    kidney = datasets.load_kidney_transplant().astype(float)
    yield "Cox, `kidney_transplant`", lambda: cox(kidney, "time", "death")
    gbsg2 = datasets.load_gbsg2()
    gaps = gbsg2.copy()
    gaps.loc[::17, "tgrade"] = None
    yield (
        "Kaplan-Meier, log-rank, `waltons`",
        lambda: curves(datasets.load_waltons(), "T", "E", "group"),
    )
    yield (
        "Kaplan-Meier, three groups, gaps, `gbsg2`",
        lambda: curves(gaps, "time", "cens", "tgrade"),
    )
    patients = Asked(gbsg2, "tgrade")
    yield "chi-squared, `gbsg2`", lambda: cells(patients, "horTh", "tgrade")
    yield "chi-squared, Fisher, `gbsg2`", lambda: cells(patients, "horTh", "menostat")
    yield "t, Welch, ANOVA, `gbsg2`", lambda: means(patients, "estrec", "menostat")
    yield "ANOVA, `gbsg2`", lambda: means(patients, "age", "tgrade")
    numbers = gbsg2.select_dtypes("number").astype(float)
    holes = numbers.mask(rng.random(numbers.shape) < 0.1)
    yield "describe, gaps, `gbsg2`", lambda: described(holes)
    yield "principal components, `gbsg2`", lambda: directions(numbers)
    yield "k-means, `gbsg2`", lambda: clusters(numbers)


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    print("| analysis | figure | fedredis | pooled | largest difference |")
    print("|---|---|---|---|---|")
    for title, compare in lines():
        figure, ours, theirs, most = compare()
        print(f"| {title} | {figure} | {ours:.10g} | {theirs:.10g} | {most:.0e} |", flush=True)
        if most > CLOSE:
            raise SystemExit(f"{title}: more than {CLOSE:g}")


if __name__ == "__main__":
    main()
