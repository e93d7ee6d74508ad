"""How results look in a notebook: a table of facts, a curve by round; and its bar of progress."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

from fedredis.exchanges import Setup, finished
from fedredis.metrics import FIGURES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from fedredis.keys import RoundName
    from fedredis.rounds.engine import Report
    from fedredis.store.runs import RunState

#: Pixels of a curve.
WIDTH, HEIGHT, MARGIN = 360, 90, 4


def frame_of(history: Mapping[RoundName, Mapping[str, Any]]) -> pd.DataFrame:
    """Make a table of a history, a row a round of training, with the figures of its test.

    Its index is the round's number; its columns are ``slaves``, ``samples``, ``ms``, such as
    ``learning_rate``, and figures such as ``accuracy``.
    """
    import pandas as pd

    rows: dict[int, dict[str, Any]] = {}
    for name, entry in history.items():
        numbers = {k: v for k, v in entry.items() if isinstance(v, int | float)}
        if (number := finished(name, entry)) is not None:
            rows.setdefault(number, {}).update(numbers)
        elif name.kind == "evaluate":
            tested = {k: v for k, v in numbers.items() if k in FIGURES}
            rows.setdefault(name.number, {}).update(tested)
    frame = pd.DataFrame.from_dict(rows, orient="index").sort_index()
    return frame.rename_axis("round")


def html_of(facts: Mapping[str, Any], curves: Mapping[str, Sequence[float]]) -> str:
    """Write facts as a table, and beside each curve what it is; text is escaped."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th>"
        f"<td style='text-align:left'>{escape(str(value))}</td></tr>"
        for name, value in facts.items()
    )
    drawn = "".join(_curve(name, list(values)) for name, values in curves.items())
    return f"<div><table>{rows}</table>{drawn}</div>"


def _curve(name: str, values: list[float]) -> str:
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    across = (WIDTH - 2 * MARGIN) / (len(values) - 1)
    up = (HEIGHT - 2 * MARGIN) / ((high - low) or 1)
    points = " ".join(
        f"{MARGIN + i * across:.1f},{HEIGHT - MARGIN - (value - low) * up:.1f}"
        for i, value in enumerate(values)
    )
    told = escape(f"{FIGURES[name].title} by round: {FIGURES[name].write(values[0])} to ")
    told += escape(FIGURES[name].write(values[-1]))
    # As text is, so that it is seen on light and on dark.
    return (
        f"<figure style='margin:8px 0'><svg role='img' width='{WIDTH}' height='{HEIGHT}' "
        f"viewBox='0 0 {WIDTH} {HEIGHT}'><title>{told}</title><polyline fill='none' "
        f"stroke='currentColor' stroke-width='1.5' points='{points}'/></svg>"
        f"<figcaption>{told}</figcaption></figure>"
    )


@contextmanager
def progress(state: RunState) -> Iterator[Report]:
    """Lend what shows each committed round: a bar in a notebook, a line in place elsewhere."""
    primary, rounds = Setup(state.config).measure.primary, state.config.rounds
    put = _in_notebook() or _in_place
    at, measure = state.round, ""

    def report(name: RoundName, entry: Mapping[str, Any]) -> None:
        nonlocal at, measure
        if (number := finished(name, entry)) is not None:
            at = number
        elif name.kind == "evaluate":
            measure = f", {FIGURES[primary].titled(entry.get(primary))}"
        put(at, rounds, f"round {at} of {rounds}{measure}")

    put(at, rounds, f"run {state.run}")
    try:
        yield report
    finally:
        if put is _in_place:
            sys.stderr.write("\n")


def _in_place(done: int, rounds: int, text: str) -> None:
    bar = "#" * (30 * done // rounds)
    sys.stderr.write(f"\r{bar:<30} {text:<44}")
    sys.stderr.flush()


def _in_notebook() -> Any:
    """Return what draws a bar in the cell that runs; None where there is none."""
    # Who is in a notebook has loaded it.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import HTML, display

    handle = display(HTML(""), display_id=True)

    def put(done: int, rounds: int, text: str) -> None:
        bar = f"<progress value='{done}' max='{rounds}' style='width:300px'></progress>"
        handle.update(HTML(f"{bar} {escape(text)}"))

    return put
