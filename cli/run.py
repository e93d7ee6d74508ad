"""``fedredis run``: train a model over slaves."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from fedredis.api.request import Request
from fedredis.api.starting import begun
from fedredis.cli import options, output
from fedredis.cli.driving import drive
from fedredis.cli.grouping import GroupedCommand
from fedredis.cli.masking import secure
from fedredis.cli.resuming import how_to_resume
from fedredis.cli.web import beside
from fedredis.config import RunConfig

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="run", cls=GroupedCommand)
@options.data
@options.made_of(Request)
@options.reading
@options.made_of(RunConfig)
@secure
@click.option(
    "--web", is_flag=True, help="Show it in a browser, too: `fedredis web`, until Ctrl-C."
)
@options.log_format
@options.redis
@options.as_json
def command(
    data: Path | None,
    web: bool,
    redis_url: str | None,
    home: Path,
    as_json: bool,
    **asked: Any,
) -> None:
    """Train a model over slaves and print its final measure.

    Without a Redis URL everything runs here: the embedded server, one worker a core, and
    partitions cut from --data or from generated songs. With one, the run waits for the slaves
    that `fedredis slave` starts elsewhere, unless --workers starts some here.
    """
    request = Request.of(data, redis_url, home, asked)
    with ExitStack() as stack:
        page = stack.enter_context(beside(redis_url, home)) if web else None
        with output.waiting() as say:
            beginning = begun(request, say, how_to_resume(redis_url, home, request.workers))
            driver = stack.enter_context(beginning)
        for line in driver.account.lines() if driver.account else ():
            output.say(line)
        if data is None and not driver.account and driver.partitions:
            output.say("the songs are synthetic: no --data was given")
        if page:
            output.say(f"look at it at {page.address}runs/{driver.run}")
        drive(driver, as_json=as_json)
        if page:
            output.say(f"the page stays at {page.address}; Ctrl-C ends it")
            page.wait()
