from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

from fedredis.errors import BoundError, DataError, UsageError
from tests.fedredis.inference.conftest import close, of

F, L = sm.families, sm.families.links
FAMILIES = {
    ("binomial", None): F.Binomial(),
    ("binomial", "probit"): F.Binomial(L.Probit()),
    ("binomial", "cloglog"): F.Binomial(L.CLogLog()),
    ("poisson", None): F.Poisson(),
    ("gamma", None): F.Gamma(),
    ("gamma", "log"): F.Gamma(L.Log()),
    ("gaussian", None): F.Gaussian(),
    ("gaussian", "log"): F.Gaussian(L.Log()),
}


def data(family: str) -> tuple[pd.DataFrame, str]:
    """Return a data set that comes with statsmodels, with weights and an offset, and its label."""
    sets = sm.datasets
    module, label = {
        "binomial": (sets.spector, "GRADE"),
        "poisson": (sets.randhie, "mdvis"),
        "gamma": (sets.scotland, "YES"),
        "gaussian": (sets.scotland, "YES"),
    }[family]
    frame = module.load_pandas().data.astype(float).head(600)
    rng = np.random.default_rng(0)
    frame["w"] = rng.integers(1, 4, len(frame)).astype(float)
    frame["o"] = rng.normal(size=len(frame)) / 10
    return frame, label


def compare(found: dict[str, Any], theirs: Any) -> None:
    lines = found["coefficients"]
    for name, values in (
        ("estimate", theirs.params),
        ("se", theirs.bse),
        ("statistic", theirs.tvalues),
        ("p", theirs.pvalues),
        ("low", np.asarray(theirs.conf_int())[:, 0]),
        ("high", np.asarray(theirs.conf_int())[:, 1]),
    ):
        close(of(lines, name), values)
    close(found["log_likelihood"], theirs.llf)
    close(found["aic"], theirs.aic)


#: Each family and link with each extra, but for offsets with which a mean leaves its range.
ASKED = [
    (*which, extra)
    for which in FAMILIES
    for extra in ("", "weights", "frequency", "offset")
    if extra != "offset" or which not in (("gamma", None), ("binomial", "cloglog"))
]


@pytest.mark.parametrize(("family", "link", "extra"), ASKED)
def test_it_is_the_fit_of_statsmodels(ask, family, link, extra):
    frame, label = data(family)
    columns = [name for name in frame if name not in (label, "w", "o")]
    own = {}
    how = {}
    if extra in ("weights", "frequency"):
        own = {"weights": "w", "frequency": extra == "frequency"}
        how = {"var_weights" if extra == "weights" else "freq_weights": frame.w}
    if extra == "offset":
        own, how = {"offset": "o"}, {"offset": frame.o}
    asked = {"label": label, "family": family, "link": link, "terms": [[c] for c in columns]}
    found = ask(frame, kind="glm", **asked, **own)
    X, t = sm.add_constant(frame[columns]), family in ("gaussian", "gamma")
    start = np.array(of(found["coefficients"], "estimate"))
    # From where ours ends, so that theirs has converged as well.
    theirs = sm.GLM(frame[label], X, family=FAMILIES[family, link], **how).fit(
        start_params=start, tol=1e-15, maxiter=5, use_t=t
    )
    compare(found, theirs)
    close(found["deviance"], theirs.deviance)
    close(found["null_deviance"], theirs.null_deviance)
    close(found["pearson_chi2"], theirs.pearson_chi2)
    assert found["converged"]


def test_least_squares_are_those_of_ols_with_its_f(ask):
    frame = sm.datasets.longley.load_pandas().data
    columns = [name for name in frame if name != "TOTEMP"]
    found = ask(frame, kind="glm", label="TOTEMP")
    theirs = sm.OLS(frame.TOTEMP, sm.add_constant(frame[columns])).fit()
    lines = found["coefficients"]
    close(of(lines, "estimate"), theirs.params)
    close(of(lines, "p"), theirs.pvalues)
    close(found["against_null"]["statistic"], theirs.fvalue)
    close(found["against_null"]["p"], theirs.f_pvalue)


@pytest.mark.parametrize("covariance", ["HC0", "HC1"])
def test_robust_errors(ask, covariance):
    frame, label = data("gaussian")
    columns = [name for name in frame if name not in (label, "w", "o")]
    terms = [[name] for name in columns]
    found = ask(frame, kind="glm", label=label, terms=terms, covariance=covariance)
    theirs = sm.OLS(frame[label], sm.add_constant(frame[columns])).fit(cov_type=covariance)
    close(of(found["coefficients"], "se"), theirs.bse)
    close(of(found["coefficients"], "p"), theirs.pvalues)
    frame, label = data("poisson")
    found = ask(
        frame, kind="glm", label=label, family="poisson", terms=[["lpi"]], covariance="HC0"
    )
    model = sm.GLM(frame[label], sm.add_constant(frame[["lpi"]]), family=F.Poisson())
    close(of(found["coefficients"], "se"), model.fit(cov_type="HC0", tol=1e-14).bse)


@pytest.mark.parametrize(("family", "link"), [pair for pair in FAMILIES if pair[1]])
@pytest.mark.parametrize("extra", ["", "weights", "frequency"])
def test_robust_errors_of_other_links(ask, family, link, extra):
    """There second derivatives depend on labels, and are those of the rows, as in statsmodels.

    Weights that count rows are so many rows.
    """
    frame, label = data(family)
    columns = [name for name in frame if name not in (label, "w", "o")][:3]
    asked = {"label": label, "family": family, "link": link, "terms": [[c] for c in columns]}
    own = {"weights": "w", "frequency": extra == "frequency"} if extra else {}
    found = ask(frame, kind="glm", covariance="HC0", **asked, **own)
    start = np.array(of(found["coefficients"], "estimate"))
    how = {"var_weights": frame.w} if extra == "weights" else {}
    if extra == "frequency":
        frame = frame.loc[frame.index.repeat(frame.w.astype(int))]
    X = sm.add_constant(frame[columns])
    theirs = sm.GLM(frame[label], X, family=FAMILIES[family, link], **how).fit(
        start_params=start, tol=1e-15, maxiter=5, cov_type="HC0"
    )
    close(of(found["coefficients"], "se"), theirs.bse)
    close(of(found["coefficients"], "p"), theirs.pvalues)


def test_errors_clustered_by_slave(ask):
    frame, label = data("poisson")
    asked = {"label": label, "family": "poisson", "terms": [["lpi"], ["disea"]]}
    found = ask(frame, kind="glm", cuts=[10], covariance="cluster", **asked)
    groups = np.repeat(np.arange(10), 60)
    model = sm.GLM(frame[label], sm.add_constant(frame[["lpi", "disea"]]), family=F.Poisson())
    theirs = model.fit(cov_type="cluster", cov_kwds={"groups": groups}, tol=1e-14)
    close(of(found["coefficients"], "se"), theirs.bse)


def test_categories_powers_interactions_and_gaps(ask):
    """One site has a category that nobody else has, since rows are cut by it."""
    frame, label = data("poisson")
    rng = np.random.default_rng(1)
    frame["sex"] = rng.choice(["f", "m"], len(frame))
    frame["site"] = rng.choice(["a", "b", "c"], len(frame))
    frame.loc[rng.random(len(frame)) < 0.1, "disea"] = np.nan
    frame.loc[rng.random(len(frame)) < 0.1, "sex"] = None
    terms = [["disea"], ["site"], ["sex"], ["sex", "disea"], ["log(lpi + 1)"], ["disea ** 2"]]
    asked = {"label": label, "family": "poisson", "terms": terms, "bases": {"sex": "m"}}
    found = ask(frame, sort="site", kind="glm", **asked)
    formula = (
        f"{label} ~ disea + C(site) + C(sex, Treatment('m')) * disea + np.log(lpi + 1)"
        " + I(disea ** 2)"
    )
    theirs = smf.glm(formula, frame, family=F.Poisson()).fit(tol=1e-15)
    # The same columns, in another order.
    close(sorted(of(found["coefficients"], "estimate")), sorted(theirs.params))
    close(sorted(of(found["coefficients"], "se")), sorted(theirs.bse))
    assert found["missing"] == len(frame) - theirs.nobs
    assert found["bases"] == {"site": "a", "sex": "m"}


def test_labels_that_are_categories(ask):
    frame, _ = data("binomial")
    frame["GRADE"] = np.where(frame.GRADE == 1, "up", "down")
    found = ask(frame, kind="glm", label="GRADE", family="binomial", terms=[["GPA"]])
    theirs = sm.Logit(frame.GRADE == "up", sm.add_constant(frame[["GPA"]])).fit(disp=0, tol=1e-14)
    close(of(found["coefficients"], "estimate"), theirs.params)
    close(of(found["coefficients"], "ratio"), np.exp(theirs.params))
    assert (found["positive"], found["ratio"]) == ("up", "odds ratio")


def test_what_is_separated_is_said(ask):
    frame, _ = data("binomial")
    frame["sign"] = (frame.GPA.median() < frame.GPA) * 1.0
    found = ask(frame, kind="glm", label="sign", family="binomial", terms=[["GPA"]])
    assert "separated" in "".join(found["warnings"])
    for line in found["coefficients"]:
        assert (line["se"], line["p"], line["low"], line["ratio_high"]) == (None,) * 4


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"terms": [["GPA"], ["GPA * 2"]]}, DataError, "combination of the columns before it"),
        ({"terms": [["log(PSI)"]]}, DataError, "no number for some"),
        ({"terms": [["__import__('os')"]]}, UsageError, "no expression"),
        ({"terms": [["nobody"]]}, UsageError, "no column 'nobody'"),
        ({"terms": [["GRADE"]]}, UsageError, "explain itself"),
        ({"label": "nobody"}, UsageError, "no column 'nobody'"),
        ({"link": "inverse"}, UsageError, "has the links"),
        ({"family": "cauchy"}, UsageError, "`family` must be one of"),
        ({"family": "gamma"}, DataError, "above 0"),
        ({"weights": "sex"}, UsageError, "number"),
        ({"least_cell": 20, "terms": [["GPA"], ["sex"]]}, DataError, "fewer than 20 rows"),
        (
            {"least_cell": 5, "terms": [[f"GPA ** {i}"] for i in range(1, 12)]},
            DataError,
            "too many",
        ),
        ({"nonsense": 1}, UsageError, "can't be asked so"),
    ],
)
def test_what_can_not_be_fitted(ask, change, error, said):
    frame, _ = data("binomial")
    frame["sex"] = ["f", "m"] * 16
    asked = {"label": "GRADE", "family": "binomial", "terms": [["GPA"]]}
    with pytest.raises(error, match=said):
        ask(frame.drop(columns=["w", "o"]), kind="glm", **{**asked, **change})


ROWS = 60


def edge(**columns: Any) -> Any:
    """Return rows of a column ``x``, and others; ``y`` follows from it by chance."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=ROWS)
    return pd.DataFrame({"x": x, "y": rng.normal(size=ROWS), **columns})


ODD = np.arange(ROWS) % 2 * 1.0


@pytest.mark.parametrize(
    ("label", "asked", "said"),
    [
        (1.0, {"family": "binomial"}, "the same in all rows"),
        (3.5, {}, "the same in all rows"),
        (0.0, {"family": "poisson"}, "it is 0 in all rows"),
        (ODD - 1, {"family": "poisson"}, "not 0 or more"),
        (ODD - 1, {"link": "log"}, "the link log has nothing"),
        (ODD, {"family": "gamma"}, "30 labels are not above 0"),
        (ODD, {"weights": "none"}, "'Intercept' is 0 in all rows that count"),
        (ODD, {"weights": "less"}, "a weight below 0"),
        (ODD, {"offset": "huge", "family": "poisson"}, r"beyond 1e\+154"),
        (ODD, {"terms": [["x"], ["none"]]}, "'none' is 0 in all rows that count"),
    ],
)
def test_what_there_is_no_fit_of_is_a_line(ask, label, asked, said):
    frame = edge(y=label, none=0.0, less=-1.0, huge=np.where(ODD == 1, 1e300, 0.0))
    with pytest.raises((DataError, BoundError), match=said):
        ask(frame, kind="glm", label="y", **{"terms": [["x"]], **asked})


def test_a_category_of_one_outcome_separates(ask):
    frame = edge(y=ODD, g=np.where(np.arange(ROWS) < 20, "a", "b"))
    frame.loc[frame.g == "a", "y"] = 1.0
    found = ask(frame, kind="glm", label="y", terms=[["g"]], family="binomial")
    assert "separated" in "".join(found["warnings"])
    assert not found["converged"]
    frame.loc[frame.g == "a", "y"] = 0.0
    found = ask(frame, kind="glm", label="y", terms=[["g"]], family="poisson")
    assert "without bound" in "".join(found["warnings"])


def test_a_perfect_fit_has_no_tests(ask):
    x = edge().x
    for label, asked in ((2 * x + 1, {}), (np.exp(2 * x + 1), {"family": "gamma", "link": "log"})):
        found = ask(edge(y=label), kind="glm", label="y", terms=[["x"]], **asked)
        close(of(found["coefficients"], "estimate"), [1, 2])
        assert "explain the label entirely" in "".join(found["warnings"])
        assert (found["log_likelihood"], found["aic"], found["against_null"]) == (None, None, None)


def test_labels_that_a_link_has_no_predictor_of_are_fitted_all_the_same(ask):
    rng = np.random.default_rng(2)
    frame = edge()
    frame["y"] = np.exp(frame.x / 2) + rng.normal(size=ROWS)
    found = ask(frame, kind="glm", label="y", terms=[["x"]], link="log")
    start = of(found["coefficients"], "estimate")
    family = sm.families.Gaussian(sm.families.links.Log())
    theirs = sm.GLM(frame.y, sm.add_constant(frame.x), family=family).fit(
        start_params=start, tol=1e-15, maxiter=8
    )
    assert (frame.y < 0).any()
    close(start, theirs.params)


def test_weights_of_0_count_as_rows_and_for_nothing(ask):
    frame = edge(w=ODD)
    found = ask(frame, kind="glm", label="y", terms=[["x"]], weights="w")
    exog = sm.add_constant(frame.x)
    theirs = sm.GLM(frame.y, exog, var_weights=frame.w).fit()
    close(of(found["coefficients"], "se"), theirs.bse)
    assert found["df_residual"] == theirs.df_resid
    found = ask(frame, kind="glm", label="y", terms=[["x"]], weights="w", frequency=True)
    theirs = sm.GLM(frame.y[ODD == 1], exog[ODD == 1]).fit()
    close(of(found["coefficients"], "se"), theirs.bse)


def test_as_many_columns_as_rows_are_refused_and_one_less_is_not(ask):
    frame, terms = edge(z=ODD).head(4), [["x"], ["z"]]
    assert ask(frame, kind="glm", label="y", terms=terms)["df_residual"] == 1
    with pytest.raises(DataError, match="3 columns are too many for 3 rows"):
        ask(frame.head(3), kind="glm", label="y", terms=terms)


def test_errors_clustered_by_slave_need_slaves(ask):
    asked = {"kind": "glm", "label": "y", "terms": [["x"]], "covariance": "cluster"}
    with pytest.raises(UsageError, match="two slaves"):
        ask(edge(), cuts=[1], **asked)
    # Of ten slaves one has all rows that are complete.
    frame = edge()
    frame.loc[6:, "x"] = np.nan
    found = ask(frame, cuts=[10], **asked)
    assert "only one slave has rows" in "".join(found["warnings"])
    assert of(found["coefficients"], "se") == [None, None]
