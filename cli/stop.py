"""``fedredis stop``: have a run's master stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fedredis.api.inspection import show
from fedredis.api.stopping import stop
from fedredis.cli import options, output
from fedredis.cli.resuming import resume_of

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="stop")
@click.argument("run")
@options.redis
def command(run: str, redis_url: str | None, home: Path) -> None:
    """Have the master of a run stop, wherever it is, as Ctrl-C does.

    What is committed stays, and `fedredis resume` goes on with the run, to the same bits.
    """
    status = stop(run, redis_url=redis_url, home=home)
    state = show(run, redis_url=redis_url, home=home).state
    again = f"; go on with: {resume_of(state, redis_url, home)}"
    output.say(f"run {run} is {status}{'' if status == 'finished' else again}")
