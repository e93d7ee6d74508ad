"""Survival beside that of lifelines and statsmodels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from lifelines import CoxPHFitter, KaplanMeierFitter, datasets
from lifelines.statistics import multivariate_logrank_test, proportional_hazard_test

from benchmarks.inference.asked import Asked, Difference, away

#: Figures of a coefficient, as they are called here and there.
OF_COX = {"estimate": "coef", "se": "se(coef)", "statistic": "z", "p": "p"}


def cox(frame: pd.DataFrame, time: str, event: str, how: Any = None, **own: Any) -> Difference:
    """Compare proportional hazards and the test of them; categories are the last columns."""
    how, left = how or {}, (own.get("strata", ""), own.get("weights", ""))
    columns = [c for c in frame if c not in (time, event, *left)]
    asked = {"kind": "survival", "time": time, "event": event, "terms": [[c] for c in columns]}
    found = Asked(frame, (time, event, columns[-1]))(**asked, **own)
    words = [c for c in columns if not pd.api.types.is_numeric_dtype(frame[c])]
    there = pd.get_dummies(frame.dropna(), columns=words, drop_first=True, dtype=float)
    fitted = _fitted(there, time, event, found, how)
    lines = found["coefficients"]
    most = max(away([x[o] for x in lines], fitted.summary[n]) for o, n in OF_COX.items())
    tested = proportional_hazard_test(fitted, there, time_transform="km").test_statistic
    most = max(most, away([x["statistic"] for x in found["proportionality"]], tested))
    return "log-likelihood", found["log_likelihood"], fitted.log_likelihood_, most


def _fitted(frame: pd.DataFrame, time: str, event: str, found: Any, how: Any) -> CoxPHFitter:
    """Fit rows in one place, from where ours ends, so that theirs has converged as well."""
    left = {time, event, how.get("weights_col"), *how.get("strata", ())}
    columns = [c for c in frame if c not in left]
    start = np.array([x["estimate"] for x in found["coefficients"]]) * frame[columns].std()
    precise = {"precision": 1e-13, "r_precision": 1e-15}
    return CoxPHFitter().fit(
        frame, time, event, initial_point=start.to_numpy(), fit_options=precise, **how
    )


def by_slave() -> Difference:
    """Compare strata that are the slaves."""
    frame = datasets.load_rossi().astype(float)
    columns = [c for c in frame if c not in ("week", "arrest")]
    asked = {"kind": "survival", "time": "week", "event": "arrest", "strata": "slave"}
    found = Asked(frame)(cuts=(10,), terms=[[c] for c in columns], **asked)
    slaves = np.array_split(np.arange(len(frame)), 10)
    there = frame.assign(slave=np.repeat(np.arange(10), [len(rows) for rows in slaves]))
    fitted = _fitted(there, "week", "arrest", found, {"strata": ["slave"]})
    lines = found["coefficients"]
    most = max(away([x[o] for x in lines], fitted.summary[n]) for o, n in OF_COX.items())
    return "log-likelihood", found["log_likelihood"], fitted.log_likelihood_, most


def weighted_curve() -> Difference:
    """Compare a curve of rows that weigh more or less."""
    frame = datasets.load_gbsg2()[["time", "cens"]]
    frame["w"] = np.random.default_rng(0).integers(1, 4, len(frame)).astype(float)
    asked = {"kind": "survival", "time": "time", "event": "cens", "weights": "w"}
    (curve,) = Asked(frame, ("time", "w"))(**asked)["curves"]
    fitted = KaplanMeierFitter().fit(frame.time, frame.cens, weights=frame.w)
    theirs = fitted.survival_function_.loc[curve["time"]].to_numpy()[:, 0]
    interval = fitted.confidence_interval_.loc[curve["time"]].to_numpy().T
    most = away([curve["low"], curve["high"]], interval)
    most = max(most, away(curve["survival"], theirs))
    return "last survival", curve["survival"][-1], float(theirs[-1]), most


def breslow() -> Difference:
    """Compare ties that are taken at once."""
    frame = datasets.load_rossi().astype(float)
    columns = [c for c in frame if c not in ("week", "arrest")]
    asked = {"kind": "survival", "time": "week", "event": "arrest", "ties": "breslow"}
    found = Asked(frame, ("week", "age"))(terms=[[c] for c in columns], **asked)
    fitted = sm.PHReg(frame.week, frame[columns], frame.arrest, ties="breslow").fit()
    own = [[x[n] for x in found["coefficients"]] for n in ("estimate", "se")]
    most = max(away(own, [fitted.params, fitted.bse]), away(found["log_likelihood"], fitted.llf))
    return "log-likelihood", found["log_likelihood"], float(fitted.llf), most


def curves(frame: pd.DataFrame, time: str, event: str, by: str) -> Difference:
    """Compare curves, and the test of their groups."""
    found = Asked(frame, (time, by))(kind="survival", time=time, event=event, by=by)
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
