"""``fedredis resume``: go on with a run whose master stopped or died."""

from __future__ import annotations

import time
from pathlib import Path

import click

from fedredis.cli import options
from fedredis.cli.preparation import find_partitions
from fedredis.cli.session import session
from fedredis.cli.training import Terms, own_workers, train
from fedredis.config import check_name
from fedredis.store import runs


@click.command(name="resume")
@click.argument("run")
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    help="Worker processes to start; with a given Redis none, else one a core.",
)
@options.wait_timeout
@options.redis
@options.as_json
def command(
    run: str,
    workers: int | None,
    wait_timeout: float,
    redis_url: str | None,
    home: Path,
    as_json: bool,
) -> None:
    """Go on with a run whose master stopped or died.

    It goes on from the last committed round, and the result is the one that the run would have
    had without the stop. A run that is finished prints its outcome again.
    """
    started = time.monotonic()
    check_name(run, "run")
    with session(redis_url, home) as opened:
        config = runs.read(opened.client, run).config
        count = own_workers(workers, redis_url, config.slaves)
        folder = find_partitions(home, config.dataset, config.source) if count else Path()
        terms = Terms(
            workers=count,
            partitions=folder,
            wait_timeout=wait_timeout,
            as_json=as_json,
            started=started,
        )
        train(opened, run, terms)
