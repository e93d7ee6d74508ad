"""``fedredis rm``: delete a run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from fedredis.api.inspection import show
from fedredis.api.removing import remove
from fedredis.cli import options, output
from fedredis.cli.run_tables import how_far
from fedredis.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="rm")
@click.argument("run")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.redis
def command(run: str, yes: bool, redis_url: str | None, home: Path) -> None:
    """Delete a run, with all that Redis holds of it.

    Its model and its history are gone then; what was exported, and partitions, stay. A run that
    is going on has to be stopped first.
    """
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"--yes is needed to delete run {run} where nobody can be asked")
        state = show(run, redis_url=redis_url, home=home).state
        click.confirm(
            f"Delete run {run}, {state.status}, rounds {how_far(state)}?", abort=True, err=True
        )
    keys = remove(run, redis_url=redis_url, home=home)
    output.say(f"run {run} is deleted: {keys} keys")
