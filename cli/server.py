"""``fedredis server``: keep the embedded server up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fedredis.api.session import session
from fedredis.cli import options, output
from fedredis.cli.signals import wait_for_one

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="server")
@options.log_format
@options.home
def command(home: Path) -> None:
    """Keep the embedded server up, to look into it.

    Then redis-cli and dashboards reach it. Other commands start it by themselves, and the last
    one to leave stops it.
    """
    with session(None, home) as opened:
        output.say(f"{opened.shown_url} is up; {opened.hint}\nCtrl-C stops it")
        try:
            while True:
                wait_for_one()
        except KeyboardInterrupt:
            return
