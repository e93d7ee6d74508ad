"""``fedredis web``: runs and predictions in a browser."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fedredis.cli import options, output
from fedredis.errors import PortTakenError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Thread

    from fedredis.web.serving import Page

#: The variable that holds the page's password: a command line can be read by everybody.
PASSWORD = "FEDREDIS_WEB_PASSWORD"  # noqa: S105
#: The port if none is given.
PORT = 8400
#: How a run is started from the page.
FEDREDIS = (sys.executable, "-c", "from fedredis.cli.main import main; main()")


@click.command(name="web")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0 for any."
)
@click.option(
    "--password-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help=f"A file with the password that lets in; or {PASSWORD}. Without one, this machine alone "
    "is let in.",
)
@options.log_format
@options.redis
def command(
    host: str, port: int, password_file: Path | None, redis_url: str | None, home: Path
) -> None:
    """Show runs and predictions in a browser.

    Runs are started, stopped, gone on with and deleted there. A program sends the password as a
    bearer token. Ctrl-C stops the page; runs that were started from it go on.
    """
    with listening(host, port, password_file, redis_url, home) as page:
        output.say(f"{page.address} is up; Ctrl-C stops it")
        page.run()


@dataclass(frozen=True)
class Beside:
    """A page that is served by a thread of its own."""

    address: str
    thread: Thread

    def wait(self) -> None:
        """Wait until somebody interrupts it."""
        with suppress(KeyboardInterrupt):
            self.thread.join()


@contextmanager
def beside(redis_url: str | None, home: Path) -> Iterator[Beside]:
    """Serve the page, for this machine, beside what a command does; at another port if need be."""
    with ExitStack() as stack:
        try:
            page = stack.enter_context(listening("127.0.0.1", PORT, None, redis_url, home))
        except PortTakenError:
            page = stack.enter_context(listening("127.0.0.1", 0, None, redis_url, home))
        yield Beside(page.address, stack.enter_context(page.beside()))


@contextmanager
def listening(
    host: str, port: int, password_file: Path | None, redis_url: str | None, home: Path
) -> Iterator[Page]:
    """Lend the page, at its address.

    Raises
    ------
    UsageError
        If what it needs is not installed, or others could come in without a password.
    """
    # It would tell of each browser that goes away.
    logging.getLogger("waitress").setLevel(logging.ERROR)
    secret = os.environ.get(PASSWORD, "")
    if password_file is not None:
        try:
            secret = password_file.read_text().strip()
        except (OSError, ValueError) as error:
            raise UsageError(f"`password_file` can't be read: {error}") from error
    try:
        from fedredis.web.serving import server
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the page needs {error.name}, which is not there: pip install 'fedredis[web]'"
        ) from error
    with server(
        redis_url=redis_url, home=home, host=host, port=port, secret=secret, command=FEDREDIS
    ) as lent:
        yield lent
