"""A picture of a cut: a bar for each slave, stacked of its rows of each label.

Needs the extra ``plot``; nothing else of the command line imports this module before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from fedredis.api.study.canvas import STEPS, blank, save, shortened, unformatted

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from matplotlib.axes import Axes

    from fedredis.data.report import CutReport

#: Colours that colour-blind readers tell apart, too (Okabe and Ito); grey is for the others.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")

#: Labels in an order get shades of one scale instead, of which as many can be told apart.
SHADES = 10

#: Slaves up to which their bars stand apart; more would be lines and gaps of a pixel or two.
APART = 150

#: Letters of a label that fit beside the bars.
LETTERS = 24


def draw(report: CutReport, title: str, path: Path) -> None:
    """Draw a cut as a PNG file, which is there whole or not at all.

    Raises
    ------
    DataError
        If the file can't be written.
    """
    report = report.with_at_most(SHADES if report.ordered else len(COLOURS))
    figure = blank(10, 5.4, layout=None)  # 1,500 by 810 dots
    axes = figure.add_axes((0.085, 0.105, 0.69, 0.735))
    _bars(axes, report)
    figure.text(0.02, 0.945, unformatted(title), fontweight="bold")
    figure.text(0.02, 0.89, report.in_words, fontsize=9, color="#555555")
    save(figure, path)


def _bars(axes: Axes, report: CutReport) -> None:
    slaves = len(report.rows)
    width = 0.8 if slaves <= APART else 1.0
    left = np.arange(slaves) - width / 2
    edges = np.append(np.column_stack([left, left + width]).ravel(), slaves - 1 + width / 2)
    tops = report.counts.cumsum(axis=1)
    patches = []
    for number, colour in enumerate(_colours(report)):
        top = _with_gaps(tops[:, number])
        bottom = _with_gaps(tops[:, number] - report.counts[:, number])
        patches.append(axes.stairs(top, edges, baseline=bottom, fill=True, color=colour))
    # The topmost first, as they are stacked.
    axes.legend(
        patches[::-1],
        [shortened(label, LETTERS) for label in report.labels[::-1]],
        loc="upper left",
        bbox_to_anchor=(1.01, 1.02),
        frameon=False,
        fontsize=9,
    )
    axes.set(xlabel="slave", ylabel="rows", xlim=(-0.7, slaves - 0.3))
    axes.xaxis.set_major_locator(MaxNLocator(20, integer=True, steps=STEPS, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(8, integer=True, steps=STEPS))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(axis="y", color="#dddddd")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _with_gaps(heights: np.ndarray) -> np.ndarray:
    """Put a bar of no height behind each."""
    return np.column_stack([heights, np.zeros_like(heights)]).ravel()


def _colours(report: CutReport) -> list[Any]:
    if report.ordered:
        return list(colormaps["cividis"](np.linspace(0, 1, len(report.labels))))
    return list(COLOURS[: len(report.labels)])
