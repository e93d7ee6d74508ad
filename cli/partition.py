"""``fedredis partition``: cut data into one partition for each slave."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fedredis.cli import options, output
from fedredis.data.cut import write_partitions
from fedredis.data.source import load

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command(name="partition")
@click.argument("data", type=click.Path(path_type=Path, exists=True), required=False)
@click.option("--slaves", type=click.IntRange(min=1), required=True, help="Number of slaves.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder to write.",
)
@options.label
@options.columns
@options.seed
@options.test_fraction
def command(
    data: Path | None,
    slaves: int,
    out: Path,
    label: str | None,
    columns: Sequence[str] | None,
    seed: int,
    test_fraction: float,
) -> None:
    """Cut data into one partition for each slave.

    Each has its own held-out rows. DATA is a CSV file or a folder of songs by decade; without
    it, songs are generated. A slave needs `manifest.json` and its own `slave-<id>.npy`, and
    nothing else.
    """
    table = load(data, label=label, columns=columns, seed=seed)
    manifest = write_partitions(table, out, slaves, seed, test_fraction)
    output.notes().print(
        f"{manifest.rows} rows in {slaves} partitions in {out}: data set {manifest.dataset}",
        soft_wrap=True,
    )
