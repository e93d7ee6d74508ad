"""``fedredis record``: what has left a slave."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import click

from fedredis.cli import options
from fedredis.secure.record import RECORD, Record


@click.command(name="record")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--run", help="Of this run only.")
@options.as_json
def command(folder: Path, run: str | None, as_json: bool) -> None:
    """Show what has left the slaves of a policy file's FOLDER, oldest first.

    For every round the time (UTC), the slave, the arrays' names and shapes, their bytes, and the
    digest of these. Slaves that share a process are added up before anything leaves: their lines
    have the same digest.
    """
    for left in Record(folder / RECORD, time.time).read():
        if run not in (None, left.run):
            continue
        if as_json:
            click.echo(json.dumps(asdict(left)))
            continue
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(left.time))
        arrays = " ".join(f"{n}{list(shape)}" for n, shape in left.arrays.items())
        click.echo(
            f"{when}  {left.slave}  {left.run}  {left.round}  {left.bytes} bytes  "
            f"{left.sha256[:12]}  {arrays}"
        )
