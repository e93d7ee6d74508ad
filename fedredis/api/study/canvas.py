"""What all pictures have in common: how they begin, what stands in them, how they become a file.

Needs the extra ``plot``.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Literal

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fedredis.data.whole import written_whole
from fedredis.printable import printable

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

#: Dots an inch.
DPI = 150

#: Between ticks of whole numbers there is one of these, times a power of ten.
STEPS = (1, 2, 5, 10)


def blank(
    width: float, height: float, *, layout: Literal["constrained"] | None = "constrained"
) -> Figure:
    """Begin a picture of so many inches."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a picture as a file that is there whole or not at all.

    Raises
    ------
    DataError
        If the file can't be written.
    """
    with written_whole(path) as scratch, warnings.catch_warnings():
        # A name in letters that the font lacks shows as boxes; the rest of the picture is right.
        warnings.filterwarnings("ignore", message="Glyph ")
        figure.canvas.print_figure(scratch, format=path.suffix[1:].lower())


def open_frame(axes: Axes) -> None:
    """Draw a grid, and leave the frame open."""
    axes.grid(color="#dddddd")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def unformatted(text: str) -> str:
    """Keep text from being read as a formula, as all between two dollars would be."""
    return printable(text).replace("$", r"\$")


def shortened(text: str, letters: int) -> str:
    """Write text in so many letters at most."""
    return unformatted(text if len(text) <= letters else text[: letters - 1] + "…")
