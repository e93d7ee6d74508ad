"""What is compared, with data sets that come with statsmodels and lifelines."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import statsmodels.api as sm
from lifelines import datasets

from benchmarks.inference import survival, tables
from benchmarks.inference.asked import Asked, Difference
from benchmarks.inference.regressions import glm, ols

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    Line = tuple[str, Callable[[], Difference]]

F, L = sm.families, sm.families.links
#: What statsmodels has of data sets with a number to explain.
SETS = (
    *("longley", "stackloss", "scotland", "copper"),
    *("ccard", "engel", "fair", "strikes"),
)
#: Names of sites, the last of which few rows are of.
SITES, SHARES = ["a", "b", "c"], [0.6, 0.35, 0.05]


def lines() -> Iterator[Line]:
    """Yield what is compared, and the comparison."""
    yield from _binomial()
    yield from _counts()
    yield from _amounts()
    yield from _hazards()
    yield from _curves()
    yield from _others()


def _data(name: str, rows: int | None = None) -> pd.DataFrame:
    """Return a data set with weights, offsets, and a site of which one slave may have all rows."""
    frame = getattr(sm.datasets, name).load_pandas().data.head(rows).copy()
    rng = np.random.default_rng(0)
    frame["w"] = rng.integers(1, 4, len(frame)).astype(float)
    frame["o"] = rng.normal(size=len(frame)) / 10
    frame["site"] = rng.choice(SITES, len(frame), p=SHARES)
    return frame


def _holes(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    holed = frame.copy()
    for number, column in enumerate(columns):
        holed[column] = holed[column].astype(float)
        holed.loc[holed.index[number :: 9 + number], column] = np.nan
    return holed


def _binomial() -> Iterator[Line]:
    frame = _data("spector").drop(columns="site")
    asked, formula = Asked(frame, ("GRADE",)), "GRADE ~ GPA + TUCE + PSI"
    gaps = Asked(_holes(frame, "GPA", "o"), ("GRADE",))
    fit, w, o = partial(glm, asked, formula), {"var_weights": "w"}, {"offset": "o"}
    yield "logistic, `spector`", partial(fit, F.Binomial())
    yield "probit, `spector`", partial(fit, F.Binomial(L.Probit()), link="probit")
    yield "cloglog, `spector`", partial(fit, F.Binomial(L.CLogLog()), link="cloglog")
    yield "logistic, weights, `spector`", partial(fit, F.Binomial(), sm_how=w, weights="w")
    yield (
        "logistic, weights, offset, gaps, `spector`",
        partial(glm, gaps, formula, F.Binomial(), sm_how={**w, **o}, weights="w", offset="o"),
    )


def _counts() -> Iterator[Line]:
    frame = _data("randhie", 3000)
    asked, formula = Asked(frame, ("mdvis", "site")), "mdvis ~ lncoins + lpi + physlm + disea"
    fit, how = partial(glm, asked, formula, F.Poisson()), {"freq_weights": "w"}
    alone = "mdvis ~ C(site) + disea + C(site):disea"
    gaps = Asked(_holes(frame, "disea", "lpi"), ("mdvis", "site"))
    slaves = {"cov_type": "cluster", "cov_kwds": {"groups": np.repeat(np.arange(10), 300)}}
    cluster = partial(glm, Asked(frame), formula, F.Poisson(), fit=slaves, cuts=(10,))
    yield "Poisson, `randhie`", fit
    yield "Poisson, offset, `randhie`", partial(fit, sm_how={"offset": "o"}, offset="o")
    yield (
        "Poisson, frequencies, `randhie`",
        partial(fit, sm_how=how, frequency=True, weights="w"),
    )
    yield "Poisson, gaps, `randhie`", partial(glm, gaps, formula, F.Poisson())
    yield (
        "Poisson, a category of one site, interaction, `randhie`",
        partial(glm, asked, alone, F.Poisson()),
    )
    yield (
        "Poisson, HC0, `randhie`",
        partial(fit, fit={"cov_type": "HC0"}, covariance="HC0"),
    )
    yield "Poisson, clustered by slave, `randhie`", partial(cluster, covariance="cluster")


def _amounts() -> Iterator[Line]:
    frame = _data("scotland").drop(columns="site")
    asked = Asked(frame, ("YES",))
    formula = "YES ~ COUTAX + UNEMPF + MOR + ACT + GDP + AGE + COUTAX_FEMALEUNEMP"
    weights = {"sm_how": {"var_weights": "w"}, "weights": "w"}
    yield "Gamma, `scotland`", partial(glm, asked, formula, F.Gamma())
    yield (
        "Gamma, log, weights, `scotland`",
        partial(glm, asked, formula, F.Gamma(L.Log()), link="log", **weights),
    )
    yield (
        "least squares, weights, `scotland`",
        partial(glm, asked, formula, F.Gaussian(), **weights),
    )
    for name in SETS:
        yield f"least squares, `{name}`", partial(ols, name)


def _hazards() -> Iterator[Line]:
    rossi = datasets.load_rossi().astype(float)
    rng, cox = np.random.default_rng(0), survival.cox
    weights = rossi.assign(w=rng.integers(1, 4, len(rossi)).astype(float))
    site = rossi.assign(site=rng.choice(SITES, len(rossi), p=SHARES))
    strata = rossi.assign(race=np.where(rossi.race == 1, "black", "other"))
    both = {"weights_col": "w", "robust": False}
    yield "Cox, Efron, `rossi`", partial(cox, rossi, "week", "arrest")
    yield "Cox, Breslow, `rossi`", survival.breslow
    yield "Cox, weights, `rossi`", partial(cox, weights, "week", "arrest", both, weights="w")
    yield (
        "Cox, strata, `rossi`",
        partial(cox, strata, "week", "arrest", {"strata": ["race"]}, strata="race"),
    )
    yield "Cox, strata by slave, `rossi`", survival.by_slave
    yield (
        "Cox, a category of one site, gaps, `rossi`",
        partial(cox, _holes(site, "age", "prio"), "week", "arrest"),
    )
    lung = datasets.load_lung()[["time", "status", "age", "sex", "ph.ecog"]].dropna().astype(float)
    lung["status"] = (lung.status > lung.status.min()).astype(float)
    yield "Cox, `lung`", partial(cox, lung, "time", "status")
    kidney = datasets.load_kidney_transplant().astype(float)
    yield "Cox, `kidney_transplant`", partial(cox, kidney, "time", "death")


def _curves() -> Iterator[Line]:
    gaps = datasets.load_gbsg2()
    gaps.loc[::17, "tgrade"] = None
    waltons = partial(survival.curves, datasets.load_waltons(), "T", "E", "group")
    yield "Kaplan-Meier, log-rank, `waltons`", waltons
    yield (
        "Kaplan-Meier, three groups, gaps, `gbsg2`",
        partial(survival.curves, gaps, "time", "cens", "tgrade"),
    )
    yield "Kaplan-Meier, weights, `gbsg2`", survival.weighted_curve


def _others() -> Iterator[Line]:
    gbsg2 = datasets.load_gbsg2()
    patients = Asked(gbsg2, ("tgrade", "horTh"))
    numbers = gbsg2.select_dtypes("number").astype(float)
    holes = numbers.mask(np.random.default_rng(0).random(numbers.shape) < 0.1)
    yield "chi-squared, `gbsg2`", partial(tables.cells, patients, "horTh", "tgrade")
    yield "chi-squared, Fisher, `gbsg2`", partial(tables.cells, patients, "horTh", "menostat")
    yield "t, Welch, ANOVA, `gbsg2`", partial(tables.means, patients, "estrec", "menostat")
    yield "ANOVA, `gbsg2`", partial(tables.means, patients, "age", "tgrade")
    yield "describe, gaps, `gbsg2`", partial(tables.described, holes)
    yield "principal components, `gbsg2`", partial(tables.directions, numbers)
    yield "k-means, `gbsg2`", partial(tables.clusters, numbers)
