"""What a fitted proportional hazards model comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.inference import distributions
from fedredis.inference.coefficients import coefficients, plain
from fedredis.inference.kaplan_meier import curve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fedredis.arrays import Named
    from fedredis.inference.cox import Cox

#: The scales of time for the test of proportionality.
TRANSFORMS = ("km", "rank", "identity", "log")


def table(fit: Cox, known: Named, level: float, transform: str = "km") -> dict[str, Any]:
    """Return a fit as plain values: ``coefficients`` with hazard ratios, and the whole model's."""
    scale, names = known["scale"], fit.covariates.names(known)
    fitted = bool(known["converged"])
    # What has vanished of the information has no inverse, and is not told.
    covariance = np.full((len(names), len(names)), np.nan)
    if fitted:
        covariance = np.linalg.inv(known["information"]) / np.outer(scale, scale)
    beta = known["beta"] / scale
    own, null = float(known["log_likelihood"]), float(known["null_log_likelihood"])
    lr = 2 * (own - null)
    said = []
    if not fitted:
        said.append(
            f"not converged after {int(known['steps'])} steps: the coefficients are not those "
            "that are most likely, and none is tested"
        )
    if which := ", ".join(names[i] for i in np.flatnonzero(known["unbounded"])):
        said.append(
            f"who has the event first is separated by {which}: coefficients are without bound, "
            "and what is printed is where the steps ended"
        )
    if transform == "log" and float(known["times"][0]) <= 0:
        said.append("a time of 0 has no logarithm: proportionality is not tested")
    return {
        "ties": "efron" if fit.efron else "breslow",
        "coefficients": coefficients(
            names, beta, covariance, level, None, "hazard ratio", fitted=fitted
        ),
        "ratio": "hazard ratio",
        "rows": int(known["rows"].sum()),
        "events": int(known["events"].sum()),
        "log_likelihood": own,
        "null_log_likelihood": null,
        "aic": 2 * len(names) - 2 * own,
        "against_null": {
            "test": "likelihood ratio",
            "statistic": lr,
            "df": len(names),
            "p": float(distributions.chi2_tail(lr, len(names))),
        },
        "proportionality": _proportionality(known, names, covariance, transform),
        "steps": int(known["steps"]),
        "converged": fitted,
        "warnings": said,
    }


def _proportionality(
    known: Named, names: tuple[str, ...], covariance: NDArray[Any], transform: str
) -> list[dict[str, Any]]:
    """Test each covariate by Schoenfeld's residuals against time (Grambsch and Therneau, 1994).

    Those that die at one time share it: with ``rank`` they have the mean of their ranks.
    """
    died = known["died"].sum(axis=0).astype(float)
    residuals, scale = known["residuals"].sum(axis=0), known["scale"]
    with np.errstate(divide="ignore"):
        times = transformed(known, died, transform)
    deaths, mean = died.sum(), (times * died).sum() / died.sum()
    away = times - mean
    scaled = deaths * (residuals * scale) @ covariance
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (away @ scaled) ** 2 / (deaths * np.diag(covariance) * (died @ away**2))
    p = distributions.chi2_tail(found, 1)
    return [
        {"name": name, "time": transform, "statistic": plain(s), "p": plain(q)}
        for name, s, q in zip(names, found, p, strict=True)
    ]


def transformed(known: Named, died: NDArray[Any], transform: str) -> NDArray[Any]:
    """Return the times of events, on a scale: ``km``, ``rank``, ``identity`` or ``log``."""
    times = known["times"]
    if transform == "identity":
        return times
    if transform == "log":
        return np.asarray(np.log(times))
    if transform == "rank":
        return np.asarray(np.cumsum(died) - (died - 1) / 2)
    weight = "_weight" if "died_weight" in known else ""
    gone, there = (known[key + weight].sum(axis=0) for key in ("died", "at_risk"))
    return 1 - np.array(curve(times, gone, there, 0.95)["survival"])
