"""How a run looks that is driven from the command line: its wait, its progress, its end."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from fedredis.api.inspection import read_record
from fedredis.cli import output
from fedredis.cli.progress import RunProgress, waiting
from fedredis.cli.run_tables import render
from fedredis.redis_url import fedredis_command

if TYPE_CHECKING:
    from collections.abc import Collection

    from fedredis.api.driver import Driver
    from fedredis.api.starting import HowToResume
    from fedredis.store.runs import RunState


def drive(driver: Driver, *, as_json: bool) -> None:
    """Drive a run to its end and print its outcome.

    Raises
    ------
    FedredisError
        If the run can't be completed; the line says how to go on with it.
    """
    notes, session = output.notes(), driver.session
    output.say(f"run {driver.run}; look into Redis with: {session.hint}", run=driver.run)
    try:
        with waiting(notes) as say:
            driver.wait(say)
        with RunProgress(notes, driver.state) as progress:
            outcome = driver.drive(progress, output.say)
    except KeyboardInterrupt:
        output.say(f"stopped; go on with: {driver.resume}", run=driver.run)
        raise
    for line in outcome.warnings:
        output.warn(line, run=driver.run)
    if as_json:
        output.print_json(outcome.plain())
    else:
        output.results().print(render(outcome, read_record(session.client, driver.run)))


def how_to_resume(redis_url: str | None, home: Path) -> HowToResume:
    """Make the command that goes on with a run, on the same Redis."""
    options = "" if home == Path(".fedredis") else f" --home {shlex.quote(str(home))}"

    def command(run: str, models: Collection[str]) -> str:
        allowed = "".join(f" --allow-model {shlex.quote(model)}" for model in sorted(models))
        if redis_url:
            return fedredis_command(f"fedredis resume {run}{allowed}", redis_url, os.environ)
        return f"fedredis resume {run}{options}{allowed}"

    return command


def resume_of(state: RunState, redis_url: str | None, home: Path) -> str:
    """Say what goes on with a run that was looked up, its own model allowed."""
    model = state.config.model
    return how_to_resume(redis_url, home)(state.run, [model] if ":" in model else [])
