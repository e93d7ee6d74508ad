"""``fedredis metrics``: figures of runs and workers for Prometheus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fedredis.api.session import session
from fedredis.cli import options, output

if TYPE_CHECKING:
    from fedredis.api.metrics import Exporter


@click.command(name="metrics")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=9464, show_default=True, help="0 for any."
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File with the token that who asks has to have, on any address but this machine's own.",
)
@click.option("--once", is_flag=True, help="Print the figures, and end.")
@options.log_format
@options.redis
def command(
    host: str, port: int, token_file: Path | None, once: bool, redis_url: str | None, home: Path
) -> None:
    """Serve figures of runs and workers for Prometheus.

    At /metrics, until Ctrl-C. They are read from Redis at each scrape; the viewer of `fedredis
    acl` may. Needs fedredis[metrics].
    """
    from fedredis.api.metrics import exporter

    with session(redis_url, home) as opened:
        made: Exporter = exporter(opened.client, token_file)
        if once:
            click.echo(made.text(), nl=False)
            return
        with made.listening(host, port) as (address, server):
            output.say(f"figures for Prometheus at {address}/metrics; Ctrl-C stops")
            server.serve_forever()
