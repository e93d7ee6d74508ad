"""What a fitted generalised linear model comes to: coefficients, tests, likelihoods."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.inference import distributions
from fedredis.inference.coefficients import coefficients, plain
from fedredis.inference.glm import CERTAIN, CERTAIN_ROWS, NOTHING_LEFT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Named
    from fedredis.inference.glm import Scoring


#: A deviance of such a share of that of a constant is what rounding leaves.
PERFECT = 1e-24


def table(fit: Scoring, known: Named, level: float) -> dict[str, Any]:
    """Return a fit as plain values: ``coefficients`` and the figures of the whole model."""
    names = fit.rows.design.names(known)
    back = _back(fit, known)
    beta = back @ known["gamma"]
    dispersion, left = fit.dispersion(known), fit.left(known)
    covariance = back @ _covariance(fit, known, dispersion) @ back.T
    df = left if fit.family.dispersed and not fit.covariance else None
    rows, weight = known["totals"][:2].tolist()
    perfect = fit.family.dispersed and _nothing_left(known)
    log_likelihood = None
    if not perfect:
        log_likelihood = _log_likelihood(fit, known, known["figures"], dispersion)
    fits = -2 * log_likelihood if log_likelihood is not None else math.nan
    return {
        "family": fit.family.name,
        "link": fit.link.name,
        "covariance": fit.covariance or "model",
        "coefficients": coefficients(
            names, beta, covariance, level, df, fit.link.ratio, fitted=bool(known["converged"])
        ),
        "ratio": fit.link.ratio,
        "rows": int(rows),
        "weight": weight,
        "df_residual": left,
        "dispersion": dispersion,
        "deviance": float(known["figures"][0]),
        "null_deviance": float(known["null_figures"][0]),
        "pearson_chi2": float(known["figures"][2]),
        "log_likelihood": log_likelihood,
        "aic": plain(2 * len(names) + fits),
        "bic": plain(math.log(weight if fit.frequency else rows) * len(names) + fits),
        "against_null": None if perfect else _against_null(fit, known, dispersion, left),
        "steps": int(known["steps"]),
        "converged": bool(known["converged"]),
        "warnings": _warnings(fit, known, names, beta),
    }


def _nothing_left(known: Named) -> bool:
    """Say whether the columns explain the label but for what rounding leaves."""
    return float(known["figures"][0]) <= PERFECT * float(known["null_figures"][0])


def _back(fit: Scoring, known: Named) -> NDArray[Any]:
    """Return the matrix (p, p) that turns coefficients of standardised columns back."""
    off, scale = fit.standard(known)
    back = np.diag(1 / scale)
    if fit.rows.design.intercept:
        back[0, 1:] = -(off / scale)[1:]
    return back


def _covariance(fit: Scoring, known: Named, dispersion: float) -> NDArray[Any]:
    if not fit.covariance:
        return dispersion * np.linalg.inv(known["information"])
    inverse = np.linalg.inv(known["observed"])
    rows, left = fit.left(known) + len(inverse), fit.left(known)
    robust: NDArray[Any] = inverse @ known["meat"] @ inverse
    if fit.covariance == "HC1":
        robust = robust * rows / left
    if fit.covariance == "cluster":
        clusters = int(known["clusters"])
        factor = clusters / (clusters - 1) * (rows - 1) / left if clusters > 1 else np.nan
        robust = robust * factor
    return robust


def _against_null(
    fit: Scoring, known: Named, dispersion: float, left: float
) -> dict[str, Any] | None:
    """Compare with a constant alone: by chi-squared, or F where the dispersion is estimated."""
    df = len(known["gamma"]) - 1
    if df < 1 or not fit.rows.design.intercept:
        return None
    lr = float(known["null_figures"][0] - known["figures"][0]) / dispersion
    if fit.family.dispersed:
        f = lr / df
        return {"test": "F", "statistic": f, "df": df, "p": distributions.f_tail(f, df, left)}
    p = float(distributions.chi2_tail(lr, df))
    return {"test": "likelihood ratio", "statistic": lr, "df": df, "p": p}


def _log_likelihood(fit: Scoring, known: Named, figures: NDArray[Any], dispersion: float) -> float:
    """Return the log-likelihood, as statsmodels defines it where the dispersion is estimated."""
    rows, weight, of_labels, of_weights = map(float, known["totals"])
    deviance, with_mean, _ = map(float, figures)
    count = weight if fit.frequency else rows
    if fit.family.name == "gaussian":
        # With the identity link the variance is the most likely one.
        s = deviance / count if fit.link.name == "identity" else dispersion
        own = 0.0 if fit.frequency else of_weights
        return -(deviance / s + count * math.log(2 * math.pi * s) - own) / 2
    if fit.family.name == "gamma":
        if "of_weights" in known:
            gammas, logs, plain = map(float, known["of_weights"])
        else:
            gammas, plain = weight * math.lgamma(1 / dispersion), of_labels
            logs = -weight / dispersion * math.log(dispersion)
        return logs + (with_mean + of_labels) / dispersion - gammas - plain
    return with_mean + of_labels


def _warnings(fit: Scoring, known: Named, names: tuple[str, ...], beta: Any) -> list[str]:
    said = []
    if not known["converged"]:
        said.append(
            f"not converged after {int(known['steps'])} steps: the coefficients are not those "
            "that are most likely, and none is tested"
        )
    if fit.family.dispersed and _nothing_left(known):
        said.append("the columns explain the label entirely: no test has a meaning")
    if fit.covariance == "cluster" and int(known["clusters"]) < 2:
        said.append("only one slave has rows: there are no errors clustered by slave")
    if fit.family.name == "binomial":
        steep = np.flatnonzero(np.abs(known["gamma"]) > CERTAIN)
        little = float(known["figures"][0]) < 10 * NOTHING_LEFT * float(known["totals"][1])
        if len(steep) or little or int(known["over"]) == CERTAIN_ROWS:
            which = ", ".join(names[i] for i in steep) or "the columns together"
            said.append(
                f"the outcome is separated by {which}: coefficients are without bound, and what "
                "is printed is where the steps ended"
            )
    elif int(known["over"]) == CERTAIN_ROWS:
        said.append(
            "the labels of some rows tell nothing of some columns, such as a category with 0 "
            "alone, or offsets differ too much: their coefficients are without bound"
        )
    return said
