"""``fedredis data``: make data to try things with."""

from __future__ import annotations

from pathlib import Path

import click

from fedredis.api import datasets
from fedredis.cli import options, output
from fedredis.config import RunConfig


@click.group(name="data")
def command() -> None:
    """Make data to try things with."""


@command.command()
@click.option("--songs", type=click.IntRange(min=1), required=True, help="How many songs.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="CSV file to write.",
)
@options.made_of(RunConfig, "seed")
@options.force
def synth(songs: int, out: Path, seed: int | None, force: bool) -> None:
    """Write synthetic songs to a CSV file.

    They are made up, from statistics of real songs by decade; none of them exists.
    """
    datasets.synth(out, songs=songs, seed=seed or 0, force=force)
    output.say(f"{songs} synthetic songs in {out}")
