"""A picture of runs: their figures by round, their slaves, and what they mistake for what.

Needs the extra ``plot``; nothing else imports this module before it is used.
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

from fedredis.api.study import run_panels as panels
from fedredis.api.study import score_panels
from fedredis.api.study.canvas import blank, unformatted
from fedredis.api.study.run_panels import Drawn
from fedredis.metrics import FIGURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fedredis.api.inspection import RunRecord

#: Colours of runs, which colour-blind readers tell apart, too (Okabe and Ito, without yellow,
#: which is faint as a line). Further runs have the same ones with another dash.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
DASHES = ("-", "--", ":", "-.")

#: Runs up to which each has its own confusion matrix; of more only the first has.
CONFUSIONS = 3

#: Inches of a picture's width, and of the height of a row of panels.
WIDTH, ROW = 12, 4.2


def figure_of(records: Sequence[RunRecord]) -> Figure:
    """Lay out the panels of runs, of each of which a round is tested.

    Their axes are labelled ``score``, ``loss``, ``slaves``, ``confusion 0`` and so on, of runs
    whose scores are told ``roc`` and ``calibration``, and ``importance`` if the first run has
    grown trees.
    """
    runs = _drawn(records)
    measure = records[0].measure
    confusions = runs if len(runs) <= CONFUSIONS else runs[:1]
    if not records[0].state.config.classes:
        confusions = []
    scored = score_panels.there(runs)
    grown = bool(runs[0].record.importance)
    more = [["roc", "calibration"] if scored else [], ["importance"] if grown else []]
    mosaic = _mosaic(len(confusions), more)
    figure = blank(WIDTH, ROW * len(mosaic))
    figure.set_layout_engine("constrained", h_pad=0.1, w_pad=0.1)
    axes = figure.subplot_mosaic(mosaic)
    panels.curves(axes["score"], runs, measure.primary)
    panels.curves(axes["loss"], runs, measure.loss)
    panels.slaves(axes["slaves"], runs, measure.primary)
    for number, run in enumerate(confusions):
        panels.confusion(axes[f"confusion {number}"], run, len(confusions))
    if scored:
        score_panels.roc(axes["roc"], scored, COLOURS)
        score_panels.calibration(axes["calibration"], scored, COLOURS)
    if grown:
        panels.importance(axes["importance"], runs[0])
    _headings(figure, axes["score"], runs, (measure.primary, measure.loss))
    return figure


def _drawn(records: Sequence[RunRecord]) -> list[Drawn]:
    """Give each run a name and a look."""
    sizes = {record.state.config.slaves for record in records}
    looks = cycle([(colour, dash) for dash in DASHES for colour in COLOURS])
    runs = []
    for record, (colour, dash) in zip(records, looks, strict=False):
        state, config = record.state, record.state.config
        options = "".join(f" {name}={value}" for name, value in config.options.items())
        slaves = f", {config.slaves} slaves" if len(sizes) > 1 else ""
        called = f"{state.run} {config.strategy}{options}{slaves}"
        runs.append(Drawn(record, called, colour, dash))
    return runs


def _mosaic(confusions: int, more: Sequence[Sequence[str]]) -> list[Any]:
    """Arrange the panels, given how many confusion matrices there are, and further rows."""
    rows = [["score", "loss", "slaves"], [f"confusion {number}" for number in range(confusions)]]
    if confusions == 1:
        rows = [["score", "loss"], ["slaves", "confusion 0"]]
    rows += map(list, more)
    # Panels of a row share its width: six is what two and three go into.
    return [[name for name in row for _ in range(6 // len(row))] for row in rows if row]


def _headings(figure: Figure, curves: Axes, runs: Sequence[Drawn], told: Sequence[str]) -> None:
    """Write what is drawn, and of several runs a legend."""
    figures = [
        ", ".join(FIGURES[name].titled(run.record.test.get(name)) for name in told) for run in runs
    ]
    datasets = {run.record.state.config.dataset for run in runs}
    of = f" of {datasets.pop()}" if len(datasets) == 1 else ""
    if len(runs) == 1:
        called, record = runs[0].called, runs[0].record
        title = f"run {called}, {record.state.config.slaves} slaves{of}"
        title += f"\nround {record.tested}: {figures[0]}"
        figure.suptitle(unformatted(title), x=0.01, ha="left", fontweight="bold")
    else:
        title = f"{len(runs)} runs{of}"
        lines = [line for line in curves.lines if not str(line.get_label()).startswith("_")]
        labels = [
            f"{run.called}, round {run.record.tested}: {text}"
            for run, text in zip(runs, figures, strict=True)
        ]
        figure.legend(
            lines,
            [unformatted(label) for label in labels],
            loc="outside upper left",
            title=unformatted(title),
            title_fontproperties={"weight": "bold", "size": 12},
            alignment="left",
            ncols=1 if len(runs) <= CONFUSIONS else 2,
            fontsize=9,
            frameon=False,
        )
