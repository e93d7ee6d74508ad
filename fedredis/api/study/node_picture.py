"""A picture of what the processes of runs have used: a column a run, all together and each.

Needs the extra ``plot``; nothing else imports this module before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import PercentFormatter

from fedredis.api.study.canvas import blank, unformatted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from numpy.typing import NDArray

    from fedredis.api.nodes import Nodes

#: Inches of a run's column, of the curve, and of a node's row in the map, from and to so many.
COLUMN, CURVE, ROW, LEAST, MOST = 6.0, 2.2, 0.16, 2.0, 5.0
#: How many spans of time a run is cut into.
SPANS = 80
#: Nodes up to which each is named.
NAMED = 30


def figure_of(runs: Sequence[Nodes]) -> Figure:
    """Lay out the panels; their axes are labelled ``together 0``, ``each 0`` and so on."""
    rows = max(len(nodes.series) for nodes in runs)
    height = min(max(ROW * rows, LEAST), MOST)
    figure = blank(COLUMN * len(runs) + 0.8, CURVE + height + 0.8)
    figure.set_layout_engine("constrained", h_pad=0.1, w_pad=0.1)
    numbers = range(len(runs))
    mosaic: list[Any] = [[f"together {i}" for i in numbers], [f"each {i}" for i in numbers]]
    axes = figure.subplot_mosaic(mosaic, height_ratios=(CURVE, height))
    top = max(float(nodes.together(SPANS)[1].max(initial=0)) for nodes in runs)
    most = max(float(_shares(nodes)[1].max(initial=0)) for nodes in runs)
    for i, nodes in enumerate(runs):
        _together(axes[f"together {i}"], nodes, top)
        image = _each(axes[f"each {i}"], nodes, most)
        axes[f"each {i}"].sharex(axes[f"together {i}"])
        axes[f"together {i}"].tick_params(labelbottom=False)
    bar = figure.colorbar(
        image, ax=[axes[f"each {i}"] for i in numbers], label="share of one core", pad=0.01
    )
    bar.ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    return figure


def _together(axes: Axes, nodes: Nodes, top: float) -> None:
    seconds, cores = nodes.together(SPANS)
    axes.fill_between(seconds, cores, step="mid", color="#0072B2", alpha=0.35, linewidth=0)
    axes.step(seconds, cores, where="mid", color="#0072B2", linewidth=1)
    used = sum(one.cpu_seconds for one in nodes.series.values())
    workers = len(nodes.series) - ("master" in nodes.series)
    title = f"run {nodes.run}: {workers} workers and the master, {used:.1f} CPU seconds"
    axes.set_title(unformatted(title), loc="left", fontsize=10)
    axes.set(ylabel="cores, all together", ylim=(0, 1.08 * max(top, 0.01)))
    axes.grid(color="#dddddd")
    axes.spines[["top", "right"]].set_visible(False)


def _shares(nodes: Nodes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the edges of equal spans, and the mean share of a core in each: (nodes, spans)."""
    middles, _ = nodes.together(SPANS)
    half = (middles[1] - middles[0]) / 2
    edges = np.append(middles - half, middles[-1] + half)
    used = [np.diff(one.used_until(edges)) for one in nodes.series.values()]
    return edges, np.array(used) / (2 * half)


def _each(axes: Axes, nodes: Nodes, most: float) -> AxesImage:
    """Draw a row a node, the master at the top: the darker, the more it has used."""
    edges, shares = _shares(nodes)
    series = list(nodes.series.values())
    ends = (edges[0], edges[-1], len(series) - 0.5, -0.5)
    image = axes.imshow(
        shares, aspect="auto", extent=ends, cmap="Blues", vmin=0, vmax=max(most, 0.01)
    )
    if len(series) <= NAMED:
        names = [unformatted(one.called) for one in series]
        axes.set_yticks(range(len(series)), names, fontsize=7)
    else:
        axes.set_yticks([0, len(series) - 1], [series[0].called, series[-1].called], fontsize=7)
    axes.tick_params(length=0, axis="y")
    axes.set(xlabel="seconds since the run was made")
    return image
