"""``fedredis resume``: go on with a run whose master stopped or died."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fedredis.api.starting import resumed
from fedredis.cli import options
from fedredis.cli.asking import print_answer
from fedredis.cli.training import how_to_resume, train

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="resume")
@click.argument("run")
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    help="Worker processes to start; with a given Redis none, else one a core.",
)
@options.wait_timeout
@options.allow_models
@options.redis
@options.as_json
def command(
    run: str,
    workers: int | None,
    wait_timeout: float,
    allow_models: frozenset[str],
    redis_url: str | None,
    home: Path,
    as_json: bool,
) -> None:
    """Go on with a run whose master stopped or died.

    It goes on from the last committed round, and the result is the one that the run would have
    had without the stop. A run that is finished prints its outcome again.
    """
    going_on = resumed(
        run,
        workers=workers,
        redis_url=redis_url,
        home=home,
        wait_timeout=wait_timeout,
        models=allow_models,
        how_to_resume=how_to_resume(redis_url, home),
    )
    with going_on as training:
        if training.state.config.analysis:
            print_answer(training, as_json=as_json)
        else:
            train(training, as_json=as_json)
