"""A picture of a comparison: ``python -m benchmarks.picture RESULTS.json PICTURE.png``.

RESULTS is what ``python -m benchmarks.peers --out`` has written. Needs the extra ``bench``.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt

from benchmarks.peers.catalogue import FEDREDIS, FLOOR
from benchmarks.peers.peer import typical

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: A colour a peer, told apart by colour-blind readers, too (Okabe and Ito).
COLOURS = ("#999999", "#E69F00", "#009E73", "#CC79A7", "#0072B2", "#56B4E9")
ACCENT, GREY = "#D55E00", "#555555"


def medians(results: list[dict[str, Any]]) -> dict[str, dict[int, float]]:
    """Sum results up: the median over the repetitions (ms), by peer and number of slaves."""
    repetitions: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        repetitions[result["peer"]][result["slaves"]].append(typical(result["round_ms"]))
    return {
        peer: {slaves: statistics.median(each) for slaves, each in sorted(sizes.items())}
        for peer, sizes in repetitions.items()
    }


def readable(ms: float) -> str:
    """Write a time with two or three digits: ``12 ms``, ``340 ms``, ``1.2 s``, ``45 s``."""
    if ms < 1000:
        return f"{ms:.0f} ms"
    return f"{ms / 1000:.2g} s" if ms < 10_000 else f"{ms / 1000:.0f} s"


def draw(axes: Axes, results: list[dict[str, Any]]) -> None:
    """Draw a line a peer, its name and last time beside its end."""
    times = medians(results)
    titles = {result["peer"]: result["title"] for result in results}
    colours = {FEDREDIS.name: ACCENT, FLOOR.name: GREY}
    others = (peer for peer in times if peer not in colours)
    colours |= dict(zip(others, COLOURS, strict=False))
    for peer, line in times.items():
        axes.plot(
            list(line),
            list(line.values()),
            marker="o",
            color=colours[peer],
            linewidth=3 if peer == FEDREDIS.name else 1.8,
            linestyle="--" if peer == FLOOR.name else "-",
            zorder=3 if peer == FEDREDIS.name else 2,
        )
        if peer == FEDREDIS.name:
            for slaves, ms in list(line.items())[:-1]:
                axes.annotate(
                    readable(ms),
                    (slaves, ms),
                    xytext=(0, -17),
                    textcoords="offset points",
                    ha="center",
                    color=ACCENT,
                    fontweight="bold",
                )
        slaves = max(line)
        axes.annotate(
            f"{titles[peer]}  {readable(line[slaves])}",
            (slaves, line[slaves]),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
            color=colours[peer],
            fontweight="bold" if peer == FEDREDIS.name else "normal",
        )
    sizes = sorted({result["slaves"] for result in results})
    axes.set(xscale="log", yscale="log", xlabel="slaves")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    ticks = [10**power for power in range(1, 6)]
    axes.set_yticks(ticks, [readable(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(min(sizes) / 1.25, max(sizes) * 1.25)
    axes.grid(axis="y", color="#dddddd")
    axes.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """Draw a file of results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.picture", description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()
    written = json.loads(options.results.read_text())
    session, results = written["session"], written["results"]
    figure, axes = plt.subplots(figsize=(10, 5.4), dpi=150)
    draw(axes, results)
    figure.text(
        0.012, 0.945, "A round of federated learning, the same work for all", fontweight="bold"
    )
    figure.text(
        0.012,
        0.9,
        f"{session['songs']}, {session['cores']} cores, logarithmic axes; median of rounds, "
        "the first left out; fedredis trains slaves of one size as a stack, the peers one by one",
        fontsize=9,
        color=GREY,
    )
    figure.subplots_adjust(left=0.085, right=0.76, top=0.86, bottom=0.1)
    figure.savefig(options.picture)


if __name__ == "__main__":
    main()
