"""Which charts there are of a run, and of several beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.metrics import FIGURES
from fedredis.web import charts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedredis.web.charts import Chart, Series, Unit
    from fedredis.web.views import RunView

#: Slaves that have a bar each; of more, the lines of all in the order of their values.
BARS = 100
#: Colours of lines.
COLOURS = 8


def charts_of(view: RunView) -> list[Chart]:
    """Draw all of a run that there is something to see in."""
    found = [
        survival(view),
        *(
            _curve(name, [(FIGURES[name].title, view.curve(name), place)])
            for place, name in enumerate(view.figures)
        ),
        _times([("training", view.round_times, 2)]),
        *_of_slaves(view),
        *_of_nodes(view),
    ]
    return [chart for chart in found if chart is not None]


def survival(view: RunView) -> Chart | None:
    """Draw how many of each group are left by time, a line a group, if that was asked."""
    answer = view.record.answer
    curves = answer.result.get("curves", ())[:COLOURS] if answer else ()
    series = []
    for place, one in enumerate(curves):
        points, share = [(0.0, 1.0)], 1.0
        for time, left in zip(one["time"], one["survival"], strict=True):
            # Steps: it stays until the next event.
            points += [(time, share), (time, left)]
            share = left
        series.append((str(one["group"] or "all"), points, place))
    title, unit = "Survival", charts.PERCENT
    return charts.lines(title, series, unit=unit, x_title="time", zero=True, whole=False)


def _curve(name: str, series: Sequence[Series]) -> Chart | None:
    title = f"{FIGURES[name].title.capitalize()} by round"
    return charts.lines(title, series, unit=unit_of(name), x_title="round")


def _times(series: Sequence[Series]) -> Chart | None:
    longest = max((ms for _, points, _ in series for _, ms in points), default=0.0)
    # Longer ticks would not fit beside the chart.
    unit = charts.MILLISECONDS if longest < 1000 else charts.SECONDS
    return charts.lines("Time of each round", series, unit=unit, x_title="round", zero=True)


def _of_slaves(view: RunView) -> list[Chart | None]:
    primary, of_all = view.figures[0], view.record.test.get(view.figures[0])
    figure = FIGURES[primary]
    return [
        _by_slave(view, f"{figure.title.capitalize()} of each slave", primary, of_all),
        _by_slave(view, "Rows of each slave", "rows", None),
    ]


def _by_slave(view: RunView, title: str, name: str, level: float | None) -> Chart | None:
    unit = unit_of(name) if name in FIGURES else charts.COUNT
    values = [
        (slave, float(facts[name]))
        for slave, facts in view.record.slaves.items()
        if isinstance(facts.get(name), int | float) and (name == "rows" or facts.get("test_rows"))
    ]
    if len(values) > BARS or any(value < 0 for _, value in values):
        ordered = sorted(value for _, value in values)
        points = [(float(place), value) for place, value in enumerate(ordered, 1)]
        how = "slaves, in the order of their values"
        return charts.lines(title, [(name, points, 3)], unit=unit, x_title=how)
    return charts.bars(title, values, unit=unit, x_title="slave", level=level)


def _of_nodes(view: RunView) -> list[Chart | None]:
    if view.nodes is None or not view.nodes.series:
        return []
    each = view.nodes.series.values()
    apart = [
        (one.called, list(zip(one.time.tolist(), one.cpu.tolist(), strict=True)), None)
        for one in each
    ]
    times, cores = view.nodes.together()
    together = list(zip(times.tolist(), cores.tolist(), strict=True))
    of_nodes = apart[:BARS]
    return [
        charts.lines(
            "CPU of each process, and of all",
            [*of_nodes, ("all together", together, 4)],
            unit=charts.CORES,
            x_title="seconds since the run was made; in cores",
            zero=True,
            whole=False,
        )
    ]


def compared(views: Sequence[RunView]) -> list[Chart]:
    """Draw several runs in one picture: each figure that they have, a line each."""
    looks = [(view, view.state.run, i % COLOURS) for i, view in enumerate(views)]
    names = dict.fromkeys(name for view in views for name in view.figures)
    found = [
        *(
            _curve(name, [(run, v.curve(name), colour) for v, run, colour in looks])
            for name in names
        ),
        _times([(run, v.round_times, colour) for v, run, colour in looks]),
    ]
    return [chart for chart in found if chart is not None]


def unit_of(figure: str) -> Unit:
    """Tell in what a figure is written along an axis."""
    return charts.PERCENT if FIGURES[figure].format.endswith("%") else charts.NUMBER
