"""Regressions beside those of statsmodels."""

from __future__ import annotations

from typing import Any

import numpy as np
import statsmodels.api as sm
import statsmodels.formula.api as smf

from benchmarks.inference.asked import Asked, Difference, away
from fedredis.api.inference.formula import parse

#: Figures of a coefficient, as they are called here and there.
OF_GLM = {"estimate": "params", "se": "bse", "statistic": "tvalues", "p": "pvalues"}


def glm(
    ask: Asked,
    formula: str,
    family: Any,
    theirs: str = "",
    sm_how: dict[str, str] | None = None,
    fit: Any = None,
    **own: Any,
) -> Difference:
    """Compare a regression; `theirs` is the formula as statsmodels reads it.

    `sm_how` names columns of the frame, by argument of statsmodels' model.
    """
    terms = parse(formula)
    asked = {"label": terms.label, "terms": [list(t) for t in terms.terms], "kind": "glm", **own}
    found = ask(family=type(family).__name__.lower(), **asked)
    lines = found["coefficients"]
    t = found["family"] in ("gaussian", "gamma") and found["covariance"] == "model"
    there = ask.frame.dropna()
    more = {name: there[column] for name, column in (sm_how or {}).items()}
    model = smf.glm(theirs or formula, there, family=family, **more)
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
    found = Asked(frame, ("y",))(kind="glm", label="y")
    fitted = sm.OLS(frame.y, sm.add_constant(frame.drop(columns="y"))).fit()
    lines = found["coefficients"]
    most = max(away([x[o] for x in lines], getattr(fitted, n)) for o, n in OF_GLM.items())
    f = away(found["against_null"]["statistic"], fitted.fvalue)
    return "log-likelihood", found["log_likelihood"], float(fitted.llf), max(most, f)
