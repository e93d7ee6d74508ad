"""What a run shows of itself on the way: how far it is, how good."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from fedredis import logs
from fedredis.cli import output
from fedredis.exchanges import Setup, finished
from fedredis.metrics import FIGURES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fedredis.cli.door import Door
    from fedredis.keys import RoundName
    from fedredis.store.runs import RunState


#: Letters of a line below which the bar takes what the rest leaves.
NARROW = 60
#: Lines that a whole run prints on its way, where there is no terminal to draw on.
LINES = 10


class RunProgress:
    """Shows how far a run is; called with each committed round.

    On a terminal that is a bar; elsewhere a line now and then.
    """

    def __init__(self, console: Door, state: RunState, look: Callable[[], RunState]) -> None:
        """Begin where the run stands; `look` looks it up again."""
        self._look = look
        self._primary = Setup(state.config).measure.primary
        self._console, self._rounds = console, state.config.rounds
        self._run, self._json = state.run, logs.started()
        self._step = 1 if self._json else math.ceil(self._rounds / LINES)
        self._progress = Progress(
            SpinnerColumn("dots" if console.unicode else "line"),
            TextColumn("{task.description}", markup=False),
            BarColumn(None if console.width < NARROW else 40),
            MofNCompleteColumn(),
            TextColumn("{task.fields[measure]}", markup=False),
            *([] if console.width < NARROW else [TimeElapsedColumn()]),
            console=console,
            disable=self._json,
        )
        self._task = self._progress.add_task(
            _stage(state),
            total=self._rounds,
            completed=state.round,
            measure="",
        )

    def __call__(self, name: RoundName, entry: Mapping[str, Any]) -> None:
        """Take note of a committed round."""
        if (number := finished(name, entry)) is not None:
            self._progress.update(self._task, completed=number, description="training")
        elif name.kind == "statistics":
            # The last one makes a model.
            self._progress.update(self._task, description=_stage(self._look()))
        elif name.kind == "evaluate":
            figure = entry.get(self._primary)
            measure = FIGURES[self._primary].titled(figure)
            self._progress.update(self._task, measure=measure)
            last = name.number == self._rounds
            bar = self._console.is_terminal or last  # the bar says it
            if self._json or not (bar or name.number % self._step):
                fields = {"run": self._run, "round": str(name), self._primary: figure}
                output.say(f"round {name.number} of {self._rounds}: {measure}", **fields)

    def say(self, line: str) -> None:
        """Tell in a line what goes on, above the bar."""
        if self._json or not self._console.is_terminal:
            output.say(line, run=self._run)
        else:
            self._console.print(line, soft_wrap=True)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error is None:
            # A run that ends early, since it has converged, is as complete as any.
            done = self._progress.tasks[self._task].completed
            self._progress.update(self._task, total=done)
        self._progress.stop()


def _stage(state: RunState) -> str:
    """Say what a run is at."""
    return "training" if state.model else "statistics"
