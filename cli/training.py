"""How a run looks that is driven from the command line: its wait, its progress, its end."""

from __future__ import annotations

import os
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from fedredis.api.records import read_record
from fedredis.cli import output
from fedredis.cli.outcome import render
from fedredis.cli.progress import RunProgress, waiting
from fedredis.connection import masked

if TYPE_CHECKING:
    from collections.abc import Collection

    from fedredis.api.starting import HowToResume
    from fedredis.api.training import Training


def train(training: Training, *, as_json: bool) -> None:
    """Drive a run to its end and print its outcome.

    Raises
    ------
    FedredisError
        If the run can't be completed; the line says how to go on with it.
    """
    notes, session = output.notes(), training.session
    notes.print(
        f"run [bold]{training.run}[/]; look into Redis with: {session.hint}", soft_wrap=True
    )
    try:
        with waiting(notes) as say:
            training.wait(say)
        with RunProgress(notes, training.state) as progress:
            outcome = training.drive(progress, notes.print)
    except KeyboardInterrupt:
        notes.print(f"stopped; go on with: {training.resume}", soft_wrap=True)
        raise
    if as_json:
        output.print_json(asdict(outcome))
    else:
        output.results().print(render(outcome, read_record(session.client, training.run)))


def how_to_resume(redis_url: str | None, home: Path) -> HowToResume:
    """Make the command that goes on with a run, on the same Redis."""
    if redis_url:
        same = redis_url == os.environ.get("REDIS_URL")
        options = "" if same else f" --redis-url {shlex.quote(masked(redis_url))}"
    else:
        options = "" if home == Path(".fedredis") else f" --home {shlex.quote(str(home))}"

    def command(run: str, models: Collection[str]) -> str:
        allowed = "".join(f" --allow-model {shlex.quote(model)}" for model in sorted(models))
        return f"fedredis resume {run}{options}{allowed}"

    return command
