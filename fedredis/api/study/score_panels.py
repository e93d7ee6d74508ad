"""The panels of a picture of runs that show what their probabilities are worth.

Needs the extra ``plot``.
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import PercentFormatter

from fedredis.api.study.canvas import open_frame, unformatted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matplotlib.axes import Axes

    from fedredis.api.study.run_panels import Drawn

#: Classes of a run up to which each has a line of its own; else it is the mean over classes.
LINES = 6
#: Shares of false positives at which curves of several classes are averaged.
GRID = np.linspace(0, 1, 201)

Look = dict[str, Any]


def there(runs: Sequence[Drawn]) -> list[Drawn]:
    """Choose the runs of which scores are told."""
    return [run for run in runs if run.record.report and _told(run)]


def _told(run: Drawn) -> list[Mapping[str, Any]]:
    report = run.record.report or {"classes": ()}
    return [one for one in report["classes"] if one.get("roc")]


def _lines(
    runs: Sequence[Drawn], colours: Sequence[str]
) -> Iterator[tuple[str, Look, list[Mapping[str, Any]]]]:
    """Yield a label, a look and the classes of each line: classes of a run, or runs."""
    if len(runs) == 1 and len(_told(runs[0])) <= LINES:
        for one, colour in zip(_told(runs[0]), cycle(colours), strict=False):
            yield str(one["class"]), {"color": colour}, [one]
        return
    for run in runs:
        yield run.run, {"color": run.colour, "linestyle": run.dash}, _told(run)


def roc(axes: Axes, runs: Sequence[Drawn], colours: Sequence[str]) -> None:
    """Draw the share of a class that is found by the share of the others that is taken for it."""
    for label, look, classes in _lines(runs, colours):
        found = [np.interp(GRID, one["roc"]["fpr"], one["roc"]["tpr"]) for one in classes]
        auc = np.mean([one["auc"] for one in classes])
        # From where nothing is told on: several points lie above 0.
        x, y = np.append(0, GRID), np.append(0, np.mean(found, axis=0))
        axes.plot(x, y, label=unformatted(f"{label}: AUC {auc:.4f}"), **look)
    axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=1, zorder=0)
    axes.set_title("ROC on held-out rows", loc="left", fontsize=10)
    axes.set(xlabel="others taken for it", ylabel="rows of the class that are found")
    _shares(axes)


def calibration(axes: Axes, runs: Sequence[Drawn], colours: Sequence[str]) -> None:
    """Draw what is so by what was told, a dot a tenth."""
    for _, look, classes in _lines(runs, colours):
        tenths = zip(*(one["calibration"] for one in classes), strict=True)
        points = []
        for lines in tenths:
            kept = [line for line in lines if line["rows"]]
            if rows := sum(line["rows"] for line in kept):
                sums = (sum(line["rows"] * line[n] for line in kept) for n in ("told", "observed"))
                points.append([total / rows for total in sums])
        axes.plot(*np.array(points).reshape(-1, 2).T, marker="o", markersize=4, **look)
    axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=1, zorder=0)
    axes.set_title("calibration on held-out rows, by tenths", loc="left", fontsize=10)
    axes.set(xlabel="probability that was told", ylabel="share that is so")
    _shares(axes)


def _shares(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower right", fontsize=8, frameon=False)
    open_frame(axes)
