"""``fedredis resume``: go on with a run whose master stopped or died."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fedredis.api.continuing import resumed
from fedredis.api.request import Request
from fedredis.cli import options
from fedredis.cli.asking import print_answer
from fedredis.cli.driving import drive
from fedredis.cli.resuming import how_to_resume

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="resume")
@click.argument("run")
@options.made_of(Request, "workers", "quorum", "wait_timeout")
@options.allow_models
@options.log_format
@options.redis
@options.as_json
def command(
    run: str,
    allow_models: frozenset[str],
    redis_url: str | None,
    home: Path,
    as_json: bool,
    **asked: Any,
) -> None:
    """Go on with a run whose master stopped or died.

    It goes on from the last committed round, and the result is the one that the run would have
    had without the stop; with --quorum, rounds may go on without some slaves from now on, such as
    one whose updates are refused. A run that is finished prints its outcome again.
    """
    request = Request.of(None, redis_url, home, asked)
    with resumed(
        run, request, allow_models, how_to_resume(redis_url, home, request.workers)
    ) as driver:
        if driver.state.config.analysis:
            print_answer(driver, as_json=as_json)
        else:
            drive(driver, as_json=as_json)
