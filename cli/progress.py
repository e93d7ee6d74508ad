"""What a run shows of itself on the way: whom it waits for, how far it is, how good."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from fedredis.assembly import measure_of
from fedredis.cli.figures import called, written
from fedredis.keys import Kind, Label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    from rich.console import Console

    from fedredis.store.runs import RunState


class RunProgress:
    """Shows how far a run is; called with each committed round."""

    def __init__(self, console: Console, state: RunState) -> None:
        self._primary = measure_of(state.config).primary
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[measure]}"),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._progress.add_task(
            "statistics", total=state.config.rounds, completed=state.round, measure=""
        )

    def __call__(self, label: Label, entry: Mapping[str, Any]) -> None:
        """Take note of a committed round."""
        if label.kind is Kind.TRAIN:
            self._progress.update(self._task, completed=label.number, description="training")
        elif label.kind is Kind.EVALUATE:
            measure = f"{called(self._primary)} {written(self._primary, entry[self._primary])}"
            self._progress.update(self._task, measure=measure)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()


@contextmanager
def waiting(console: Console) -> Iterator[Callable[[str], None]]:
    """Lend a function that says what is waited for.

    On a terminal the line is replaced in place; elsewhere it is printed when it changes.
    """
    if console.is_terminal:
        status = console.status("")

        def replace(line: str) -> None:
            status.update(line)
            status.start()

        try:
            yield replace
        finally:
            status.stop()
        return
    said = ""

    def say(line: str) -> None:
        nonlocal said
        if line != said:
            console.print(line, soft_wrap=True)
        said = line

    yield say
