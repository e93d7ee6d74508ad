"""Tables of coefficients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.inference import distributions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def plain(value: float) -> float | None:
    """Return a number as JSON has it."""
    return float(value) if math.isfinite(value) else None


def coefficients(
    names: Sequence[str],
    estimates: NDArray[Any],
    covariance: NDArray[Any],
    level: float,
    df: float | None,
    ratio: str = "",
    *,
    fitted: bool = True,
) -> list[dict[str, Any]]:
    """List coefficients (p,) with standard errors, tests against 0 and intervals of a level.

    Parameters
    ----------
    df
        Degrees of freedom of t; None for z.
    ratio
        What exponentials of coefficients are; they are listed, too, if they are something.
    fitted
        Whether they are those that are most likely; nothing but they is known of others.
    """
    errors = np.sqrt(np.maximum(np.diag(covariance), 0)) * (1 if fitted else math.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistics = estimates / errors
    p, away = distributions.two_sided(statistics, df), distributions.critical(level, df) * errors
    found = []
    for i, name in enumerate(names):
        line: dict[str, Any] = {
            "name": name,
            "estimate": float(estimates[i]),
            "se": plain(errors[i]),
            "statistic": plain(statistics[i]),
            "p": plain(p[i]),
            "low": plain(estimates[i] - away[i]),
            "high": plain(estimates[i] + away[i]),
        }
        if ratio:
            for key in ("estimate", "low", "high"):
                called = "ratio" if key == "estimate" else f"ratio_{key}"
                with np.errstate(over="ignore", under="ignore"):
                    line[called] = plain(np.exp(math.nan if line[key] is None else line[key]))
        found.append(line)
    return found
