"""``fedredis export``: a run's model as a file."""

from __future__ import annotations

from pathlib import Path

import click

from fedredis.api.trained.export import ROUNDS, export
from fedredis.cli import options, output


@click.command(name="export")
@click.argument("run")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="File to write, .npz, or .onnx (needs fedredis[onnx]).",
)
@click.option(
    "--round",
    "which",
    type=click.Choice(ROUNDS),
    help="The round whose model it is; if not given, the one that the run stands for.",
)
@options.force
@options.redis
def command(
    run: str, out: Path, which: str | None, force: bool, redis_url: str | None, home: Path
) -> None:
    """Write a run's model to a file, to predict with elsewhere.

    Its preprocessing is in it, too. An .npz file holds plain arrays and is what `fedredis.load`
    reads, in Python; an .onnx file is for any ONNX runtime.
    """
    told = export(run, out, round=which, force=force, redis_url=redis_url, home=home)
    output.say(
        f"the model of run {told.run} after round {told.round} is in {out}, sha256 {told.sha256}"
    )
