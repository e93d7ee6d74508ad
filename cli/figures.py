"""What figures of a test are called, and how they are written."""

from __future__ import annotations

import math
from typing import Any

#: Those whose name is not what it is called.
CALLED = {"macro_f1": "macro F1", "log_loss": "log loss", "r2": "R²"}


def called(name: str) -> str:
    """Return what a figure is called, to people."""
    return CALLED.get(name, name)


def written(name: str, value: Any) -> str:
    """Write a figure; a dash if there is none, a question mark if it is no number."""
    try:
        number = math.nan if value is None else float(value)
    except (TypeError, ValueError):  # a slave may say anything
        return "?"
    if not math.isfinite(number):
        return "-"
    return f"{number:.2%}" if name == "accuracy" else f"{number:.4f}"
