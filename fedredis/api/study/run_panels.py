"""The panels of a picture of runs, each drawn into axes of its own.

Needs the extra ``plot``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator, PercentFormatter

from fedredis.api.study.canvas import STEPS, open_frame, shortened
from fedredis.api.study.confusions import most_frequent
from fedredis.metrics import FIGURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from fedredis.api.inspection import RunRecord

#: Rounds up to which each is marked on a curve.
MARKED = 40

#: Classes up to which cells of a confusion matrix have shares and counts in them, and up to which
#: there is a matrix at all: of more, the most frequent mistakes are drawn.
WRITTEN, MATRIX = 10, 25

#: How many mistakes are drawn, and how many columns of trees.
MISTAKES, COLUMNS = 15, 20

#: Letters of a class that fit beside a confusion matrix, and of all classes side by side below
#: one that has half of the width, or two or three that share all of it.
LETTERS, LETTERS_ACROSS = 16, 60


@dataclass(frozen=True)
class Drawn:
    """A run, as it is drawn."""

    record: RunRecord
    #: Its id and its strategy, with its options.
    called: str
    colour: str
    dash: str

    @property
    def run(self) -> str:
        """The run's id."""
        return self.record.state.run

    def slaves(self, figure: str) -> tuple[list[float], list[float]]:
        """Return a figure of each slave's newest test, and how many rows each holds out."""
        facts = self.record.slaves.values()
        told = [(_number(fact.get(figure)), _number(fact.get("test_rows"))) for fact in facts]
        kept = [
            (value, rows) for value, rows in told if math.isfinite(value) and 0 < rows < math.inf
        ]
        return [value for value, _ in kept], [rows for _, rows in kept]


def curves(axes: Axes, runs: Sequence[Drawn], figure: str) -> None:
    """Draw a figure by round, a line a run."""
    for run in runs:
        tests = run.record.tests
        rounds, values = list(tests), [_number(test.get(figure)) for test in tests.values()]
        mark = "o" if len(rounds) <= MARKED else ""
        look: dict[str, Any] = {
            "color": run.colour,
            "linestyle": run.dash,
            "marker": mark,
            "markersize": 3,
        }
        axes.plot(rounds, values, label=run.called, **look)
        # A ring around the model that the run stands for.
        score = _number(run.record.test.get(figure))
        axes.plot(run.record.tested, score, "o", mfc="none", color=run.colour)
    axes.set_title(f"{FIGURES[figure].title} on held-out rows, by round", loc="left", fontsize=10)
    axes.set_xlabel("round")
    axes.xaxis.set_major_locator(MaxNLocator(10, integer=True, steps=STEPS, min_n_ticks=1))
    if FIGURES[figure].format.endswith("%"):
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    open_frame(axes)


def slaves(axes: Axes, runs: Sequence[Drawn], figure: str) -> None:
    """Draw a dot a slave and a box a run, the first run at the top."""
    axes.set_title(f"{FIGURES[figure].title} of each slave, newest test", loc="left", fontsize=10)
    axes.set_xlabel(f"{FIGURES[figure].title} (size of a dot: rows held out)")
    # Figures have up to five digits, and the panel has a third of the width.
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_yticks([-place for place in range(len(runs))], [run.run for run in runs])
    axes.set_ylim(0.3 - len(runs), 0.7)
    for place, run in enumerate(runs):
        values, rows = run.slaves(figure)
        if not values:
            why = "masked" if run.record.state.config.secure else "not told"
            at = axes.get_yaxis_transform()
            axes.text(0.5, -place, why, transform=at, ha="center", va="bottom", color="#555555")
            continue
        # Side by side by the golden ratio: evenly, and always the same.
        aside = 0.4 * (np.arange(len(values)) * 0.618034 % 1 - 0.5)
        sizes = 8 + 72 * np.array(rows) / max(rows)
        axes.scatter(values, aside - place, s=sizes, color=run.colour, alpha=0.6, linewidths=0)
        axes.boxplot(
            values,
            orientation="horizontal",
            positions=[-place],
            widths=0.5,
            manage_ticks=False,
            showfliers=False,
            medianprops={"color": "#333333", "linewidth": 1.5},
            boxprops={"color": "#777777"},
            whiskerprops={"color": "#777777"},
            capprops={"color": "#777777"},
        )
    if FIGURES[figure].format.endswith("%"):
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    open_frame(axes)


def confusion(axes: Axes, run: Drawn, of: int) -> None:
    """Draw one of `of` matrices, shaded by the share of a true class's rows, or the mistakes."""
    names = [_short(name) for name in run.record.state.config.classes]
    # Of a test in which nobody that holds out rows took part there is none.
    nothing = np.zeros((len(names), len(names)), int)
    counts = np.array(run.record.test.get("confusion") or nothing)
    if len(names) > MATRIX:
        _mistakes(axes, run, counts, names)
        return
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_title(f"{run.run}, round {run.record.tested}: held-out rows", loc="left", fontsize=10)
    axes.set(xlabel="predicted class (% of the true one)", ylabel="true class")
    across = sum(map(len, names)) <= LETTERS_ACROSS / of
    slant = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
    upright = {"rotation": 90}
    turned = {} if across else slant if len(names) <= WRITTEN else upright
    few = len(names) <= WRITTEN
    letters = 9 if few else 6
    axes.set_xticks(range(len(names)), names, fontsize=None if few else 7, **turned)
    axes.set_yticks(range(len(names)), names, fontsize=None if few else 7)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for (true, predicted), share in np.ndenumerate(shares):
        text = f"{share:.0%}\n{counts[true, predicted]:,}" if few else f"{100 * share:.0f}"
        colour = "white" if share > 0.6 else "black"
        if few or counts[true, predicted]:
            axes.text(
                predicted, true, text, ha="center", va="center", color=colour, fontsize=letters
            )


def importance(axes: Axes, run: Drawn) -> None:
    """Draw a bar a column of trees, that which gains most at the top."""
    found = (run.record.importance or [])[:COLUMNS]
    axes.set_title(f"{run.run}: what columns gain", loc="left", fontsize=10)
    axes.set_xlabel("share of what all splits gain (number of splits)")
    places = [-place for place in range(len(found))]
    axes.barh(places, [one["gain"] for one in found], color=run.colour, alpha=0.6)
    axes.set_yticks(places, [_short(one["column"]) for one in found])
    for place, one in zip(places, found, strict=True):
        axes.text(one["gain"], place, f" {one['splits']:,}", va="center", fontsize=8)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    open_frame(axes)


def _mistakes(axes: Axes, run: Drawn, counts: NDArray[Any], names: Sequence[str]) -> None:
    """Draw a bar a mistake, the most frequent at the top."""
    found = most_frequent(counts)[:MISTAKES]
    axes.set_title(
        f"{run.run}, round {run.record.tested}: rows told wrong", loc="left", fontsize=10
    )
    axes.set(xlabel="rows, by true class → told as", yticks=[])
    places = [-place for place in range(len(found))]
    axes.barh(places, [mistake.rows for mistake in found], color=run.colour, alpha=0.35)
    for place, mistake in zip(places, found, strict=True):
        told = f" {names[mistake.true]} → {names[mistake.predicted]}: {mistake.share:.0%}"
        axes.text(0, place, told, va="center", fontsize=8, clip_on=True)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    open_frame(axes)


def _number(told: float | str | None) -> float:
    """Read what a slave has told; not a number if it is none, since a slave may say anything."""
    try:
        return math.nan if told is None else float(told)
    except ValueError:
        return math.nan


def _short(name: str) -> str:
    return shortened(" ".join(name.split()), LETTERS)
