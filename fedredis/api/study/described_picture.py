"""A picture of columns that were described: boxes of quantiles, bars of categories.

Needs the extra ``plot``; nothing else imports this module before it is used.
"""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING, Any

from matplotlib.ticker import MaxNLocator, PercentFormatter

from fedredis.api.study.canvas import blank, open_frame, unformatted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Panels beside each other, and at most; groups and categories of each at most.
ACROSS, MOST, LISTED = 3, 24, 12
#: Inches: of a panel's width, of each of its lines, of what stands around them.
WIDTH, LINE, AROUND = 3.4, 0.3, 1.0


def figure_of(result: Mapping[str, Any]) -> Figure | None:
    """Lay out a panel a column, with a line a group; None where nothing is told of any column."""
    columns: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for group in result["groups"]:
        for one in group["columns"]:
            if one.get("mean") is not None or _told(one):
                lines = columns.setdefault(one["name"], [])
                lines.append(("" if group["group"] is None else str(group["group"]), one))
    if not columns:
        return None
    panels = list(islice(columns.values(), MOST))
    across = min(ACROSS, len(panels))
    down = math.ceil(len(panels) / across)
    height = AROUND + LINE * max(_lines(panel) for panel in panels)
    figure = blank(WIDTH * across, height * down)
    grid = figure.subplots(down, across, squeeze=False).ravel().tolist()
    for axes, panel in zip(grid, panels, strict=False):
        (_boxes if panel[0][1]["kind"] == "number" else _bars)(axes, panel)
        axes.set_title(_title(panel), loc="left", fontsize="medium")
        open_frame(axes)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    rest = f"; {len(columns) - MOST} more columns" if len(columns) > MOST else ""
    by = f", by {unformatted(result['by'])}" if result["by"] else ""
    numbers = [one for _, one in (panel[0] for panel in panels) if one["kind"] == "number"]
    at = ", ".join(f"{100 * float(q):g}" for q in numbers[0]["quantiles"]) if numbers else ""
    boxes = f"; quantiles at {at} %" * bool(at) + "; dots are means" * bool(numbers)
    figure.suptitle(f"{result['rows']:,} rows{by}{boxes}{rest}", x=0.01, ha="left")
    return figure


def _told(column: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [one for one in column.get("categories", ()) if one["rows"] is not None]


def _lines(panel: list[tuple[str, dict[str, Any]]]) -> int:
    if panel[0][1]["kind"] == "number":
        return min(len(panel), LISTED)
    return min(max(len(_told(one)) for _, one in panel), LISTED)


def _title(panel: list[tuple[str, dict[str, Any]]]) -> str:
    missing = sum(one["missing"] for _, one in panel)
    name = unformatted(panel[0][1]["name"])
    return f"{name}; {missing:,} missing" if missing else name


def _boxes(axes: Axes, panel: list[tuple[str, dict[str, Any]]]) -> None:
    """Draw a box from the inner quantiles, whiskers to the outer ones, a dot at the mean."""
    shown = panel[:LISTED]
    # A box that begins at the least of all has room beside it, too.
    axes.use_sticky_edges = False
    for place, (_, one) in enumerate(shown):
        at = {float(q): v for q, v in one["quantiles"].items() if v is not None}
        told = [at[q] for q in sorted(at)]
        if len(told) > 1:
            axes.plot([told[0], told[-1]], [-place] * 2, color="C0", lw=1)
        if len(told) > 3:
            axes.barh(-place, told[-2] - told[1], 0.5, told[1], color="C0", alpha=0.35)
        if 0.5 in at:
            axes.plot([at[0.5]] * 2, [-place - 0.25, -place + 0.25], color="C0", lw=2)
        axes.plot(one["mean"], -place, "o", color="C1", ms=4)
    names = [unformatted(name) for name, _ in shown]
    axes.set_yticks([-i for i, name in enumerate(names) if name], [n for n in names if n])
    axes.set_ylim(-len(shown) + 0.4, 0.6)
    axes.xaxis.set_major_locator(MaxNLocator(4))


def _bars(axes: Axes, panel: list[tuple[str, dict[str, Any]]]) -> None:
    """Draw the share of each category, a bar a group."""
    told = {name: {c["name"]: c["share"] for c in _told(one)} for name, one in panel[:LISTED]}
    names = list(dict.fromkeys(name for shares in told.values() for name in shares))[:LISTED]
    width = 0.8 / len(told)
    for place, (group, shares) in enumerate(told.items()):
        at = [-i + 0.4 - width * (place + 0.5) for i in range(len(names))]
        label = unformatted(group) if group else None
        axes.barh(at, [shares.get(name, 0) for name in names], width, label=label)
    axes.set_yticks([-i for i in range(len(names))], [unformatted(name) for name in names])
    axes.set_ylim(-len(names) + 0.4, 0.6)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    if any(told):
        axes.legend(frameon=False, fontsize="small")
