"""``fedredis watch``: follow a run as it goes on."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.console import Group
from rich.live import Live

from fedredis.api.following import follow
from fedredis.cli import options, output
from fedredis.cli.glance import EVENTS, Glance, happening
from fedredis.cli.resuming import resume_of
from fedredis.metrics import FIGURES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import RenderableType

    from fedredis.api.following import Moment
    from fedredis.cli.door import Door


@click.command(name="watch")
@click.argument("run")
@options.redis
@options.as_json
def command(run: str, redis_url: str | None, home: Path, as_json: bool) -> int:
    """Follow a run as it goes on, until it ends.

    Any machine that reaches its Redis will do. It shows how far the run is, what went wrong
    first, each slave and what it is at, and what happens; without a terminal a line for each
    thing that happens. The exit code is 0 if the run has finished.
    """
    console = output.results()
    with closing(follow(run, redis_url=redis_url, home=home)) as followed:  # type: ignore[type-var]
        if as_json:
            last = _events(followed)
        elif console.is_terminal:
            last = _live(followed, console)
        else:
            last = _lines(followed)
    state = last.record.state
    if state.resumable:
        output.say(f"run {run} is {state.status}; go on with: {resume_of(state, redis_url, home)}")
    return 0 if state.status == "finished" else 1


def lately(moment: Moment) -> Iterator[str]:
    """Say what has happened that is of interest, in a line each."""
    history = {str(name): entry for name, entry in moment.record.history.items()}
    primary = moment.record.measure.primary
    said = (happening(event, history, primary) for event in moment.events)
    return filter(None, said)


def _live(followed: Iterator[Moment], console: Door) -> Moment:
    """Draw every moment over the one before; the last one stays."""
    happened: list[str] = []
    frame: RenderableType = ""
    try:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            for moment in followed:
                happened = [*happened, *lately(moment)][-EVENTS:]
                glance = Glance(moment, happened, console.unicode)
                width, height = console.size
                # A line less, so that it can stay there with the prompt below it.
                frame = Group(*glance.lines(width, height - 1))
                live.update(frame, refresh=True)
    finally:
        console.print(frame)
    return moment


def _lines(followed: Iterator[Moment]) -> Moment:
    for moment in followed:
        for line in lately(moment):
            click.echo(line)
    state = moment.record.state
    primary = moment.record.measure.primary
    figure = f", {FIGURES[primary].titled(state.score)}"
    click.echo(f"run {state.run} is {state.status}{'' if state.config.analysis else figure}")
    return moment


def _events(followed: Iterator[Moment]) -> Moment:
    """Print a line of JSON for each thing that happens, with what a round came to."""
    for moment in followed:
        history = {str(name): entry for name, entry in moment.record.history.items()}
        for event in moment.events:
            told = {"at": int(event.id.partition("-")[0]), **event.fields}
            entry = history.get(event.fields.get("round", ""))
            committed = event.fields.get("type") == "committed" and entry
            output.print_json({**told, **({"entry": entry} if committed else {})})
    output.print_json({"type": "state", **asdict(moment.record.state)})
    return moment
