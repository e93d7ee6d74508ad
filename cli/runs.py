"""``fedredis runs``: list the runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from fedredis.api.records import runs
from fedredis.assembly import measure_of
from fedredis.cli import options, output
from fedredis.cli.figures import called, written

if TYPE_CHECKING:
    from pathlib import Path

    from fedredis.store.runs import RunState


@click.command(name="runs")
@options.redis
@options.as_json
def command(redis_url: str | None, home: Path, as_json: bool) -> None:
    """List the runs, newest first."""
    states = runs(redis_url=redis_url, home=home)
    if as_json:
        output.print_json([_row(state) for state in states])
        return
    if not states:
        output.notes().print("no runs yet: `fedredis run` makes one")
        return
    # Those of classifiers are percentages, so that the figures can share a column.
    figures = dict.fromkeys(called(_figure(state)) for state in states)
    table = Table("run", "status", "slaves", "rounds", " or ".join(figures), "started")
    for state in states:
        row = _row(state)
        row["rounds"] = f"{state.round}/{state.config.rounds}"
        row[_figure(state)] = written(_figure(state), state.score)
        table.add_row(*(str(value) for value in row.values()))
    output.results().print(table)


def _row(state: RunState) -> dict[str, Any]:
    return {
        "run": state.run_id,
        "status": state.status,
        "slaves": state.config.slaves,
        # Those that are committed.
        "rounds": state.round,
        _figure(state): state.score,
        "started": started(state),
    }


def _figure(state: RunState) -> str:
    """Name the figure that says how good a run's model is."""
    return measure_of(state.config).primary


def started(state: RunState) -> str:
    """Return when a run was started, in ISO 8601, UTC."""
    return datetime.fromtimestamp(state.started / 1000, UTC).isoformat(timespec="seconds")
