"""A picture of an answer: curves, coefficients with their intervals, or columns as described.

Needs the extra ``plot``; nothing else imports this module before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import (
    LogLocator,
    MaxNLocator,
    NullLocator,
    PercentFormatter,
    ScalarFormatter,
)

from fedredis.api.study import described_picture
from fedredis.api.study.canvas import blank, open_frame, unformatted
from fedredis.errors import UsageError
from fedredis.inference.design import INTERCEPT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fedredis.api.answer import Answer

#: Inches: of a picture's width and height, of each coefficient, of what stands around them.
WIDTH, HEIGHT, LINE, AROUND = 8.0, 5.0, 0.3, 1.3
#: Ratios that are further apart have ticks by their size.
DECADE = 10.0


def figure_of(answer: Answer) -> Figure:
    """Lay out the picture of an answer.

    Raises
    ------
    UsageError
        If there is none of what it answers.
    """
    result = answer.result
    if answer.analysis == "describe" and (found := described_picture.figure_of(result)):
        return found
    if "coefficients" not in result and not result.get("curves"):
        raise UsageError(f"there is no picture of what {answer.analysis} answers")
    height = AROUND + LINE * len(result["coefficients"]) if "coefficients" in result else HEIGHT
    figure = blank(WIDTH, height)
    axes = figure.add_subplot()
    (_coefficients if "coefficients" in result else _curves)(axes, result)
    open_frame(axes)
    return figure


def _curves(axes: Axes, result: Mapping[str, Any]) -> None:
    """Draw a step at each time, with its interval."""
    for curve in result["curves"]:
        name = "all" if curve["group"] is None else f"{result['by']} = {curve['group']}"
        time = np.append(0, curve["time"])
        label = unformatted(f"{name}: {curve['rows']:,} rows, {curve['events']:,} events")
        (line,) = axes.step(time, np.append(1, curve["survival"]), where="post", label=label)
        low, high = np.append(1, curve["low"]), np.append(1, curve["high"])
        axes.fill_between(time, low, high, step="post", alpha=0.2, color=line.get_color(), lw=0)
    test = result.get("log_rank")
    told = f"; log-rank p {test['p']:.2g}" if test else ""
    axes.set_title(f"survival, {100 * result['level']:g} % intervals{told}", loc="left")
    axes.set(xlabel=unformatted(result["time"]), ylim=(0, 1.02), xlim=(0, None))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.legend(frameon=False)


def _coefficients(axes: Axes, result: Mapping[str, Any]) -> None:
    """Draw a dot a coefficient, the first at the top; ratios on a logarithmic scale."""
    ratio = result["ratio"]
    keys = ("ratio", "ratio_low", "ratio_high") if ratio else ("estimate", "low", "high")
    # The constant is of another kind, and would be far away.
    lines = [line for line in result["coefficients"] if line["name"] != INTERCEPT]
    lines = lines or result["coefficients"]
    # What is not fitted has no interval, and then nothing has a place.
    shown = [line for line in lines if line[keys[2]] is not None and line[keys[1]] is not None]
    middle, low, high = np.array([[line[key] for key in keys] for line in shown] or [[1] * 3]).T
    places = -np.array([lines.index(line) for line in shown] or [len(lines)])
    axes.errorbar(middle, places, xerr=[middle - low, high - middle], fmt="o", capsize=3)
    axes.axvline(1 if ratio else 0, color="#bbbbbb", zorder=0)
    axes.set_yticks(-np.arange(len(lines)), [unformatted(line["name"]) for line in lines])
    axes.set_ylim(-len(lines) + 0.4, 0.6)
    axes.set_title(f"{ratio or 'coefficients'}, {100 * result['level']:g} % intervals", loc="left")
    if ratio:
        axes.set_xscale("log")
        wide = np.nanmax(high) > DECADE * np.nanmin(low)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if wide else MaxNLocator(6))
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_locator(NullLocator())
