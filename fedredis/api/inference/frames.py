"""Answers as pandas DataFrames."""

from __future__ import annotations

from typing import Any

import pandas as pd


def frame_of(analysis: str, result: dict[str, Any]) -> pd.DataFrame:
    """Return the table that a result is, one row a coefficient, category, time or column."""
    if "coefficients" in result:
        return pd.DataFrame(result["coefficients"]).set_index("name")
    if analysis == "survival":
        parts = [pd.DataFrame({"group": c["group"], **_lists(c)}) for c in result["curves"]]
        return pd.concat(parts, ignore_index=True)
    if analysis == "describe":
        return pd.DataFrame(
            [
                {
                    "group": g["group"],
                    **{k: v for k, v in c.items() if k not in _NESTED},
                    **_more(c),
                }
                for g in result["groups"]
                for c in g["columns"]
            ]
        )
    if analysis == "table" and result["kind"] == "counts":
        return pd.DataFrame(result["counts"], result["rows"], result["columns"])
    if analysis == "table":
        return pd.DataFrame(result["groups"] or [])
    if analysis == "pca":
        return pd.DataFrame([c["loadings"] for c in result["components"]])
    return pd.DataFrame([{"rows": c["rows"], **(c["centre"] or {})} for c in result["clusters"]])


_NESTED = ("quantiles", "categories")


def _lists(curve: dict[str, Any]) -> dict[str, Any]:
    return {name: values for name, values in curve.items() if isinstance(values, list)}


def _more(column: dict[str, Any]) -> dict[str, Any]:
    return {f"q{q}": value for q, value in column.get("quantiles", {}).items()}
