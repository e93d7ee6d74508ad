"""What a classifier is worth, class by class, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedredis.cli.tables import Fitting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Classes that are listed at most.
LISTED = 30
#: Every second threshold is shown.
STEP = 2


def tables(report: Mapping[str, Any] | None) -> list[Fitting]:
    """Draw the classes; of two, also what thresholds bring, and whether probabilities hold."""
    if report is None:
        return []
    classes: Sequence[Mapping[str, Any]] = report["classes"]
    rows = [
        {
            "class": one["class"],
            "rows": f"{one['rows']:,}",
            **{name: _share(one[name]) for name in ("precision", "recall")},
            "F1": _figure(one["f1"]),
            "AUC": _figure(one.get("auc")),
        }
        for one in classes[:LISTED]
    ]
    rest, name = len(classes) - LISTED, ("class",)
    found = [Fitting(rows, "classes", rest, name, ("rows", "F1"), name, lines=False)]
    last = classes[-1]
    if len(classes) > 2 or "thresholds" not in last:
        return found
    cuts = [
        {
            "from": f"{one['threshold']:.2f}",
            **{name: _count(one[name]) for name in ("tp", "fp", "fn", "tn")},
            **{name: _share(one.get(name)) for name in ("precision", "recall", "specificity")},
        }
        for one in last["thresholds"][STEP - 1 :: STEP]
    ]
    tenths = [
        {
            "from": f"{one['from']:.1f}",
            "rows": _count(one["rows"]),
            "told": _share(one["told"]),
            "observed": _share(one["observed"]),
        }
        for one in last["calibration"]
    ]
    title = f"told '{last['class']}' from a probability on"
    return [
        *found,
        Fitting(cuts, title, 0, (), ("specificity", ("fn", "tn"), ("tp", "fp")), lines=False),
        Fitting(tenths, f"probability of '{last['class']}', by tenths", lines=False),
    ]


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
