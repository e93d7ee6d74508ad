from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.datasets import load_gbsg2, load_rossi, load_waltons
from lifelines.statistics import multivariate_logrank_test, proportional_hazard_test

from fedredis.errors import DataError, UsageError
from tests.fedredis.inference.conftest import close, of

if TYPE_CHECKING:
    from collections.abc import Callable

    Ask = Callable[..., dict[str, Any]]

COVARIATES = ("fin", "age", "wexp", "mar", "paro", "prio")
TERMS = [[name] for name in COVARIATES]
ROSSI = {"kind": "survival", "time": "week", "event": "arrest"}


@pytest.fixture(scope="module")
def rossi() -> pd.DataFrame:
    frame = load_rossi().astype(float)
    frame["w"] = np.random.default_rng(0).integers(1, 4, len(frame)).astype(float)
    frame["race"] = np.where(frame.race == 1, "black", "other")
    return frame


def lifelines(frame: pd.DataFrame, found: dict[str, Any], **how: Any) -> Any:
    """Fit with lifelines, from where ours ends, so that it has converged as well."""
    columns = [*COVARIATES, "week", "arrest", *how.get("strata", [])]
    frame = frame[[*columns, *([how["weights_col"]] if "weights_col" in how else [])]]
    start = np.array(of(found["coefficients"], "estimate")) * frame[list(COVARIATES)].std()
    precise = {"precision": 1e-13, "r_precision": 1e-15}
    fitter = CoxPHFitter()
    return fitter.fit(
        frame, "week", "arrest", initial_point=start.to_numpy(), fit_options=precise, **how
    )


def compare(found: dict[str, Any], theirs: Any) -> None:
    lines, summary = found["coefficients"], theirs.summary
    for ours, name in (
        ("estimate", "coef"),
        ("se", "se(coef)"),
        ("p", "p"),
        ("ratio", "exp(coef)"),
        ("low", "coef lower 95%"),
        ("ratio_high", "exp(coef) upper 95%"),
    ):
        close(of(lines, ours), summary[name])
    close(found["log_likelihood"], theirs.log_likelihood_)
    assert found["converged"]


@pytest.mark.parametrize("extra", ["", "weights", "strata", "slave"])
def test_hazards_are_those_of_lifelines(ask, rossi, extra):
    """There are ties, which Efron's likelihood takes apart."""
    frame, how, cuts = rossi.copy(), {}, (1, 3, 10)
    own = {"strata": {"strata": "race"}, "slave": {"strata": "slave"}}.get(extra, {})
    if extra == "weights":
        own, how = {"weights": "w"}, {"weights_col": "w", "robust": False}
    if extra == "strata":
        how = {"strata": ["race"]}
    if extra == "slave":
        cuts, how = (3,), {"strata": ["place"]}
        frame["place"] = np.repeat(np.arange(3), 144)
    found = ask(rossi, cuts, sort="age" if extra == "" else None, terms=TERMS, **ROSSI, **own)
    theirs = lifelines(frame, found, **how)
    compare(found, theirs)
    for transform in ("km", "identity", "log"):
        test = ask(rossi, cuts[:1], terms=TERMS, transform=transform, **ROSSI, **own)
        columns = [*COVARIATES, "week", "arrest", *how.get("strata", [])]
        columns += ["w"] if extra == "weights" else []
        tested = proportional_hazard_test(theirs, frame[columns], time_transform=transform)
        close(of(test["proportionality"], "statistic"), tested.test_statistic)
        close(of(test["proportionality"], "p"), tested.p_value)
    if not extra:
        fitted = CoxPHFitter().fit(frame[[*COVARIATES, "week", "arrest"]], "week", "arrest")
        tested = fitted.log_likelihood_ratio_test()
        close(found["against_null"]["statistic"], tested.test_statistic)
        close(found["against_null"]["p"], tested.p_value)


def test_ties_taken_at_once_are_breslow_s(ask, rossi):
    found = ask(rossi, terms=TERMS, ties="breslow", **ROSSI)
    model = sm.PHReg(rossi.week, rossi[list(COVARIATES)], rossi.arrest, ties="breslow")
    theirs = model.fit()
    close(of(found["coefficients"], "estimate"), theirs.params)
    close(of(found["coefficients"], "se"), theirs.bse)
    close(found["log_likelihood"], theirs.llf)


def test_curves_and_their_comparison(ask):
    frame = load_waltons()
    found = ask(frame, sort="group", kind="survival", time="T", event="E", by="group")
    for curve, (name, rows) in zip(found["curves"], frame.groupby("group"), strict=True):
        theirs = KaplanMeierFitter().fit(rows["T"], rows["E"])
        there = curve["time"]
        assert (curve["group"], curve["median"]) == (name, theirs.median_survival_time_)
        close(curve["survival"], theirs.survival_function_.loc[there].iloc[:, 0])
        some = np.array(curve["survival"]) > 0  # where it is 0, lifelines says from 1 to 1
        interval = theirs.confidence_interval_.loc[there]
        close(np.array(curve["low"])[some], interval.iloc[:, 0][some])
        close(np.array(curve["high"])[some], interval.iloc[:, 1][some])
        close(curve["at_risk"], theirs.event_table.loc[there, "at_risk"])
    theirs = multivariate_logrank_test(frame["T"], frame["group"], frame["E"])
    close(found["log_rank"]["statistic"], theirs.test_statistic)
    close(np.log(found["log_rank"]["p"]), np.log(theirs.p_value))


def test_three_groups_and_gaps_and_weights(ask):
    frame = load_gbsg2()
    frame.loc[::17, "tgrade"] = None
    found = ask(frame, kind="survival", time="time", event="cens", by="tgrade")
    there = frame[frame.tgrade.notna()]
    theirs = multivariate_logrank_test(there.time, there.tgrade, there.cens)
    close(found["log_rank"]["statistic"], theirs.test_statistic)
    close(found["log_rank"]["p"], theirs.p_value)
    assert found["missing"] == len(frame) - len(there)
    frame["w"] = np.random.default_rng(0).integers(1, 4, len(frame)).astype(float)
    (curve,) = ask(frame, kind="survival", time="time", event="cens", weights="w")["curves"]
    theirs = KaplanMeierFitter().fit(frame.time, frame.cens, weights=frame.w)
    close(curve["survival"], theirs.survival_function_.loc[curve["time"]].iloc[:, 0])
    close(curve["low"], theirs.confidence_interval_.loc[curve["time"]].iloc[:, 0])


def test_steps_of_few_events_are_not_told(ask):
    frame = load_gbsg2()
    asked = {"kind": "survival", "time": "time", "event": "cens", "by": "horTh"}
    all_, some = (ask(frame, **asked, least_cell=least)["curves"] for least in (0, 5))
    for whole, thin in zip(all_, some, strict=True):
        told = dict(zip(whole["time"], whole["survival"], strict=True))
        assert {t: told[t] for t in thin["time"]} == dict(
            zip(thin["time"], thin["survival"], strict=True)
        )
        assert 0 < len(thin["time"]) < len(told)
        assert min(thin["died"]) >= 5


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"by": "race", "terms": TERMS}, UsageError, "`strata`"),
        ({"strata": "race"}, UsageError, "covariates"),
        ({"ties": "exact"}, UsageError, "one of efron"),
        ({"time": "race"}, UsageError, "number"),
        ({"event": "prio"}, DataError, "neither 0 nor 1"),
        ({"terms": [["age"], ["age * 2"]]}, DataError, "determine each other"),
        ({"transform": "cube"}, UsageError, "one of km"),
        ({"weights": "zero"}, DataError, "a weight that is not above it"),
        ({"event": "none"}, DataError, "no row has an event"),
        ({"event": "none", "terms": ()}, DataError, "no row has an event"),
        ({"terms": [["zero"]]}, DataError, "the same in all rows at risk"),
        ({"time": "zero", "transform": "log", "terms": [["zero"]]}, DataError, "the same"),
    ],
)
def test_what_can_not_be_asked(ask, rossi, asked, error, said):
    with pytest.raises(error, match=said):
        ask(rossi.assign(zero=0.0, none=0.0), cuts=(3,), **{**ROSSI, **asked})


def test_all_die_at_once_at_0(ask):
    x = np.random.default_rng(0).normal(size=12)
    frame = pd.DataFrame({"t": 0.0, "e": 1.0, "x": x})
    asked = {"kind": "survival", "time": "t", "event": "e"}
    (curve,) = ask(frame, **asked)["curves"]
    assert (curve["survival"], curve["at_risk"], curve["median"]) == ([0.0], [12], 0.0)
    found = ask(frame, **asked, terms=[["x"]], transform="log")
    assert abs(found["coefficients"][0]["estimate"]) < 1e-12
    assert found["proportionality"][0]["statistic"] is None
    assert "no logarithm" in "".join(found["warnings"])


@pytest.mark.parametrize("strata", ["", "slave"])
def test_who_has_the_event_first_is_separated(ask: Ask, strata: str) -> None:
    """All of one group die before the first of the other one: the likelihood has no top."""
    n = np.arange(40)
    frame = pd.DataFrame(
        {
            "time": np.where(n % 2, 1 + n / 2, 100 + n),
            "died": 1.0,
            "group": n % 2 * 1.0,
            "age": np.random.default_rng(0).normal(size=40),
        }
    )
    cuts = (2,) if strata else (1, 3)
    asked = {"time": "time", "event": "died", "terms": [["group"], ["age"]], "strata": strata}
    found = ask(frame, cuts, kind="survival", **asked)
    assert not found["converged"]
    assert "separated by group: coefficients are without bound" in found["warnings"][1]
    for line in found["coefficients"]:
        for figure in ("se", "statistic", "p", "low", "high", "ratio_low", "ratio_high"):
            assert line[figure] is None
    assert [each["p"] for each in found["proportionality"]] == [None, None]
    # What is not separated is where it is without the others' doing, and so is the likelihood.
    theirs = CoxPHFitter().fit(
        frame.assign(place=np.repeat([0, 1], 20)) if strata else frame,
        "time",
        "died",
        strata=["group", *(["place"] if strata else [])],
    )
    np.testing.assert_allclose(
        of(found["coefficients"], "estimate")[1], theirs.params_["age"], rtol=1e-4
    )
    np.testing.assert_allclose(found["log_likelihood"], theirs.log_likelihood_, rtol=1e-5)
