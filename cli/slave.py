"""``fedredis slave``: workers that act for slaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fedredis.api.request import Request
from fedredis.api.serving import serving
from fedredis.arguments import MOST_WORKERS, arguments_of
from fedredis.cli import options, output
from fedredis.cli.grouping import GroupedCommand
from fedredis.data.own import SHARED
from fedredis.data.reading import Reading


@click.command(name="slave", cls=GroupedCommand)
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True),
    help="A partition folder, with the files of all slaves or of some; or, with --name, the "
    "slave's own file.",
)
@click.option("--name", help="The slave that brings its own file.")
@click.option(
    "--dataset",
    metavar="NAME",
    help=f"What all slaves call the data that they have together; '{SHARED}', if not given.",
)
@options.reading
@options.made_of(Request, "test_fraction")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    help="Seed of the choice of the rows that are held out; 0, if not given.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, MOST_WORKERS),
    default=1,
    show_default=True,
    help="Worker processes to start.",
)
@click.option(
    "--policy",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What the slave's owner allows, with its keys and its record beside it.",
)
@click.option(
    "--least-rows",
    type=click.IntRange(min=0),
    metavar="ROWS",
    help="Take part in no round for which a slave has fewer rows.",
)
@click.option(
    "--least-cell",
    type=click.IntRange(min=0),
    metavar="ROWS",
    help="Hand in no counts with a cell of fewer rows.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be read of the own file, and end.")
@options.allow_models
@options.log_format
@options.redis
def command(
    data: Path | None,
    name: str | None,
    workers: int,
    dry_run: bool,
    **how: Any,
) -> None:
    """Start workers that act for the slaves of a folder, or for one with its own file.

    They take up RQ jobs until the command is stopped, and are replaced when they die. A folder
    with the files of some slaves only makes workers that act for those alone. A slave's own file
    is read into memory; its rows go nowhere else.
    """
    said = {option: value for option, value in how.items() if value is not None}
    if dry_run:
        # Imported here, since it brings pandas, which workers on partitions do without.
        from fedredis.api.checking import check
        from fedredis.cli.check import report

        reading = {option: said[option] for option in arguments_of(Reading) if option in said}
        report(check(*([] if data is None else [data]), **reading), show=False)
        return
    with serving(data, name=name, workers=workers, **said) as slaves:
        manifest = slaves.manifest
        whom = f"{len(slaves.slaves)} of {manifest.slaves} slaves of {manifest.dataset}"
        if name is not None:
            whom = f"slave {name} of {manifest.dataset}, {manifest.rows} rows"
        output.say(
            f"{workers} worker{'s' * (workers > 1)} for {whom}, queue {slaves.queue}, "
            f"at {slaves.redis_url}; Ctrl-C stops"
        )
        for line in slaves.account.lines() if slaves.account else ():
            output.say(line)
        try:
            slaves.wait()
        except KeyboardInterrupt:
            output.say("stopping: workers finish the slave they are at")
