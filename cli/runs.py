"""``fedredis runs``: list the runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from fedredis.api.inspection import runs
from fedredis.cli import options, output
from fedredis.cli.resuming import resume_of
from fedredis.cli.tables import Fitting
from fedredis.exchanges import Setup
from fedredis.metrics import FIGURES

if TYPE_CHECKING:
    from pathlib import Path

    from fedredis.store.runs import RunState

#: Interrupted runs of which it is said how to go on with them, the newest.
SAID = 3


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
        output.say("no runs yet: `fedredis run` makes one")
        return
    rows = [_shown(state) for state in states]
    table = Fitting(
        rows,
        # So that all columns have room in 80 letters.
        lines=False,
        words=tuple(rows[0]),
        shrinks=("data set", "strategy", "model"),
        gives_way=("slaves", "rounds", "model", "strategy", "data set"),
    )
    output.results().print(table)
    interrupted = [state for state in states if state.status == "interrupted"]
    for state in interrupted[:SAID]:
        how = resume_of(state, redis_url, home)
        output.say(f"run {state.run} has lost its master; go on with: {how}")


def _row(state: RunState) -> dict[str, Any]:
    config = state.config
    return {
        "run": state.run,
        "status": state.status,
        "dataset": config.dataset,
        **(
            {"analysis": config.analysis["kind"]}
            if config.analysis
            else {"model": config.model, "strategy": config.strategy}
        ),
        "slaves": config.slaves,
        # Those that are committed.
        "rounds": state.round,
        _figure(state): state.score,
        "started": started(state),
    }


def _shown(state: RunState) -> dict[str, str]:
    config = state.config
    return {
        "run": state.run,
        "status": state.status,
        "data set": config.dataset,
        "model": str(config.analysis.get("kind") or config.model.rpartition(":")[2]),
        "strategy": "-" if config.analysis else config.strategy,
        "slaves": str(config.slaves),
        "rounds": "-" if config.analysis else f"{state.round}/{config.rounds}",
        "score": FIGURES[_figure(state)].alone(state.score),
        "started": _time(state).strftime("%m-%d %H:%M"),
    }


def _figure(state: RunState) -> str:
    """Name the figure that says how good a run's model is."""
    return Setup(state.config).measure.primary


def started(state: RunState) -> str:
    """Return when a run was started, in ISO 8601, UTC."""
    return _time(state).isoformat(timespec="seconds")


def _time(state: RunState) -> datetime:
    return datetime.fromtimestamp(state.started / 1000, UTC)
