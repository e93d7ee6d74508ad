"""``fedredis runs``: list the runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from fedredis.cli import options, output
from fedredis.cli.session import session
from fedredis.store import runs

if TYPE_CHECKING:
    from pathlib import Path

    from fedredis.store.runs import RunState


@click.command(name="runs")
@options.redis
@options.as_json
def command(redis_url: str | None, home: Path, as_json: bool) -> None:
    """List the runs, newest first."""
    with session(redis_url, home) as opened:
        states = runs.newest_first(opened.client)
    if as_json:
        output.print_json([_row(state) for state in states])
        return
    if not states:
        output.notes().print("no runs yet: `fedredis run` makes one")
        return
    table = Table("run", "status", "slaves", "rounds", "accuracy", "started")
    for state in states:
        row = _row(state)
        row["rounds"] = f"{state.round}/{state.config.rounds}"
        row["accuracy"] = "-" if state.accuracy is None else f"{state.accuracy:.2%}"
        table.add_row(*(str(value) for value in row.values()))
    output.results().print(table)


def _row(state: RunState) -> dict[str, Any]:
    return {
        "run": state.run_id,
        "status": state.status,
        "slaves": state.config.slaves,
        # Those that are committed.
        "rounds": state.round,
        "accuracy": state.accuracy,
        "started": started(state),
    }


def started(state: RunState) -> str:
    """Return when a run was started, in ISO 8601, UTC."""
    return datetime.fromtimestamp(state.started / 1000, UTC).isoformat(timespec="seconds")
