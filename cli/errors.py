"""``fedredis errors``: what went wrong at the slaves of a run."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.console import Group
from rich.padding import Padding

from fedredis.api import waiting
from fedredis.api.inspection import failures
from fedredis.cli import options, output

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType


@click.command(name="errors")
@click.argument("run")
@options.redis
@options.as_json
def command(run: str, redis_url: str | None, home: Path, as_json: bool) -> None:
    """Show what went wrong at the slaves of a run.

    That is each slave's last failure with its traceback, the updates that were refused and why,
    who was missing from a round, and whom the open rounds wait for, since when.
    """
    found = failures(run, redis_url=redis_url, home=home)
    if as_json:
        rounds = {str(of.name): {**asdict(of), "name": str(of.name)} for of in found.open}
        output.print_json({**asdict(found), "open": rounds})
        return
    lines: list[RenderableType] = [output.styled(found.error, "bold")] if found.error else []
    for slave, failed in found.failures.items():
        lines.append(f"slave {slave} failed {failed['failures']} times, at last with:")
        lines.append(Padding(failed["traceback"].strip(), (0, 0, 1, 2)))
    for name, refused in found.refused.items():
        lines += [f"{name}: slave {slave} refused: {why}" for slave, why in refused.items()]
    lines += [f"{name}: missing: {', '.join(missing)}" for name, missing in found.missing.items()]
    lines += waiting.lines(found.open)
    if lines:
        output.results().print(Group(*lines))
    else:
        output.say("nothing went wrong")
