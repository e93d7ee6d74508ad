"""``fedredis slave``: workers that act for the slaves of a partition folder."""

from __future__ import annotations

from pathlib import Path

import click

from fedredis.cli import options, output
from fedredis.cli.session import session
from fedredis.data.manifest import read_manifest
from fedredis.data.partition import held
from fedredis.errors import DataError
from fedredis.jobs.naming import queue_for
from fedredis.jobs.pool import WorkerPool


@click.command(name="slave")
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="A partition folder, with the files of all slaves or of some.",
)
@options.workers
@options.redis
def command(data: Path, workers: int, redis_url: str | None, home: Path) -> None:
    """Start workers that act for the slaves of a partition folder.

    They take up RQ jobs until the command is stopped, and are replaced when they die. A folder
    with the files of some slaves only makes workers that act for those alone.
    """
    manifest = read_manifest(data)
    there = held(data, manifest)
    if not there:
        raise DataError("the folder holds no slave's partition", file=data)
    notes = output.notes()
    with session(redis_url, home) as opened, WorkerPool(opened.url, data, workers) as pool:
        notes.print(
            f"{workers} worker{'s' * (workers > 1)} for {len(there)} of {manifest.slaves} slaves "
            f"of {manifest.dataset}, queue {queue_for(manifest, there)}, "
            f"at {opened.shown_url}; Ctrl-C stops",
            soft_wrap=True,
        )
        try:
            while True:
                pool.wait()
                pool.revive()
        except KeyboardInterrupt:
            notes.print("stopping: workers finish the slave they are at")
