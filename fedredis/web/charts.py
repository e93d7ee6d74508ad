"""Where a chart's lines, bars and ticks go: numbers in, SVG coordinates out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The drawing's size, and how much of it is left for ticks; in units of its view box.
WIDTH, HEIGHT = 420.0, 200.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 8.0, 8.0, 22.0
#: Ticks along an axis, about.
TICKS = 5
#: Points of a line at most; beyond, every so manieth is left out.
MOST_POINTS = 600


@dataclass(frozen=True)
class Unit:
    """How numbers are written."""

    suffix: str = ""
    factor: float = 1.0
    #: Digits behind the point, where a number stands alone.
    digits: int = 0

    def say(self, value: float) -> str:
        """Write a number that stands alone."""
        return f"{value * self.factor:,.{self.digits}f}{self.suffix}"

    def mark(self, value: float, step: float) -> str:
        """Write a tick, as short as it may be beside others that are `step` away."""
        digits = max(0, -math.floor(math.log10(step * self.factor) + 1e-9))
        return f"{value * self.factor:,.{digits}f}{self.suffix}"


#: A line to draw: its name, its points and its colour.
Series = tuple[str, "Sequence[tuple[float, float]]", int | None]

PERCENT = Unit("%", 100.0, 2)
NUMBER = Unit(digits=4)
COUNT = Unit()
MILLISECONDS = Unit(" ms")
SECONDS = Unit(" s", 0.001, 2)
CORES = Unit(digits=2)


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Line:
    """A line through some points, or the bars below them."""

    name: str
    #: As of a ``<polyline>``.
    points: str
    #: The same in their own units, to be read at the pointer.
    values: tuple[tuple[float, float], ...]
    #: Which colour, by number; none at all for a line among many.
    colour: int | None = 0


@dataclass(frozen=True)
class Bar:
    """A bar, by its upper left corner."""

    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True)
class Chart:
    """What a template draws."""

    title: str
    #: Says in words what is to be seen, for those who don't see it.
    summary: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_title: str
    lines: tuple[Line, ...] = ()
    bars: tuple[Bar, ...] = ()
    unit: Unit = COUNT
    #: A level that is marked, if there is one: all slaves together, say.
    level: Tick | None = None
    width: float = field(default=WIDTH, init=False)
    height: float = field(default=HEIGHT, init=False)
    left: float = field(default=LEFT, init=False)
    right: float = field(default=WIDTH - RIGHT, init=False)
    top: float = field(default=TOP, init=False)
    bottom: float = field(default=HEIGHT - BOTTOM, init=False)


def lines(
    title: str,
    series: Sequence[Series],
    *,
    unit: Unit,
    x_title: str,
    zero: bool = False,
    whole: bool = True,
) -> Chart | None:
    """Draw series as lines. None if there are no points.

    With `zero` the vertical axis begins there; with `whole` marks along the other one are whole
    numbers, as of rounds. The last series is the one that the summary tells of.
    """
    drawn = [(name, _thinned(points), colour) for name, points, colour in series if points]
    everything = [point for _, points, _ in drawn for point in points]
    if not everything:
        return None
    xs, ys = zip(*everything, strict=True)
    x_axis = Axis.over(min(xs), max(xs), LEFT, WIDTH - RIGHT, least=1.0 if whole else 0.0)
    y_axis = Axis.over(0.0 if zero else min(ys), max(ys), HEIGHT - BOTTOM, TOP, nice=True)
    told = [
        Line(
            name,
            " ".join(f"{x_axis.at(x):.1f},{y_axis.at(y):.1f}" for x, y in points),
            tuple(points),
            colour,
        )
        for name, points, colour in drawn
    ]
    first, last = drawn[-1][1][0][1], drawn[-1][1][-1][1]
    said = f"{title}: {drawn[-1][0]} from {unit.say(first)} to {unit.say(last)}"
    if len(drawn) > 1:
        said += f", beside {len(drawn) - 1} more"
    return Chart(
        title,
        said,
        x_axis.ticks(COUNT),
        y_axis.ticks(unit),
        x_title,
        lines=tuple(told),
        unit=unit,
    )


def bars(
    title: str,
    values: Sequence[tuple[str, float]],
    *,
    unit: Unit,
    x_title: str,
    level: float | None = None,
) -> Chart | None:
    """Draw a bar for each of some named values, none of them below 0; None if there are none."""
    if not values:
        return None
    heights = [value for _, value in values]
    y_axis = Axis.over(0.0, max(*heights, level or 0.0, 0.0), HEIGHT - BOTTOM, TOP, nice=True)
    step = (WIDTH - RIGHT - LEFT) / len(values)
    ground = y_axis.at(0.0)
    drawn = [
        Bar(
            round(LEFT + step * (place + 0.1), 2),
            round(y_axis.at(value), 2),
            round(step * 0.8, 2),
            round(ground - y_axis.at(value), 2),
            f"{name}: {unit.say(value)}",
        )
        for place, (name, value) in enumerate(values)
    ]
    every = math.ceil(len(values) / 10)
    named = [
        Tick(LEFT + step * (place + 0.5), name if len(name) <= 6 else f"{name[:5]}…")
        for place, (name, _) in enumerate(values)
        if place % every == 0
    ]
    return Chart(
        title,
        f"{title}: {unit.say(min(heights))} to {unit.say(max(heights))}, {len(values)} in all",
        tuple(named),
        y_axis.ticks(unit),
        x_title,
        bars=tuple(drawn),
        unit=unit,
        level=None if level is None else Tick(round(y_axis.at(level), 2), unit.say(level)),
    )


@dataclass(frozen=True)
class Axis:
    """From values to places between two ends."""

    low: float
    high: float
    start: float
    end: float
    step: float

    @classmethod
    def over(
        cls,
        low: float,
        high: float,
        start: float,
        end: float,
        *,
        nice: bool = False,
        least: float = 0.0,
    ) -> Axis:
        """Span values; with `nice`, from tick to tick, which are `least` apart at least."""
        if high <= low:
            room = abs(low) * 0.1 or 1.0
            low, high = low - (0.0 if low == 0 else room), high + room
        step = max(least, _round_step((high - low) / TICKS))
        if nice:
            low, high = math.floor(low / step) * step, math.ceil(high / step) * step
        return cls(low, high, start, end, step)

    def at(self, value: float) -> float:
        """Return where a value is."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, unit: Unit) -> tuple[Tick, ...]:
        """Mark round values."""
        first, last = math.ceil(self.low / self.step), math.floor(self.high / self.step + 1e-9)
        marks = (number * self.step for number in range(first, last + 1))
        return tuple(Tick(round(self.at(mark), 2), unit.mark(mark, self.step)) for mark in marks)


def _round_step(rough: float) -> float:
    """Return the next of 1, 2, 5, 10, … times a power of ten."""
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Leave out points of which nobody sees one, and keep the last."""
    every = math.ceil(len(points) / MOST_POINTS)
    kept = list(points[::every])
    return kept if not points or kept[-1] == points[-1] else [*kept, points[-1]]
