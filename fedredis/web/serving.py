"""The web server: waitress, with one Redis client for all requests."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from waitress.server import create_server

from fedredis.api.session import session
from fedredis.errors import FedredisError, UsageError
from fedredis.web.app import create_app
from fedredis.web.guard import is_loopback
from fedredis.web.launches import Launches
from fedredis.web.site import Site
from fedredis.web.stream import MOST_STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from waitress.server import BaseWSGIServer

#: Threads beside those of streams.
THREADS = 8
#: Letters that a password has at least.
LEAST = 8


@contextmanager
def server(
    *,
    redis_url: str | None,
    home: Path,
    host: str,
    port: int,
    secret: str,
    command: Sequence[str],
) -> Iterator[tuple[BaseWSGIServer, str]]:
    """Lend a server that listens, and its address; its ``run()`` serves until it is interrupted.

    Parameters
    ----------
    secret
        What lets people and programs in; empty for everybody on this machine.
    command
        How `fedredis` is called, to start runs.

    Raises
    ------
    UsageError
        If other machines could come in without a password, or it is too short to be one.
    FedredisError
        If nobody can listen there.
    """
    if not secret and not is_loopback(host):
        raise UsageError(
            f"`host={host}` lets other machines in: set a password by the variable "
            "FEDREDIS_WEB_PASSWORD, or by `password_file`"
        )
    if secret and len(secret) < LEAST:
        raise UsageError(f"the page's password has to have at least {LEAST} letters")
    with session(redis_url, home) as opened:
        site = Site(opened, redis_url, home, secret, Launches(command, home, redis_url))
        try:
            listening = create_server(
                create_app(site),
                host=host,
                port=port,
                threads=MOST_STREAMS + THREADS,
                # Of an event, its first byte.
                send_bytes=1,
                ident=None,
            )
        except OSError as error:
            raise FedredisError(f"nobody can listen at {host}:{port}: {error.strerror}") from None
        try:
            # A name may lead to several addresses, each with a socket.
            sockets = getattr(listening, "effective_listen", None)
            at = sockets[0][1] if sockets else listening.effective_port
            yield listening, f"http://{_shown(host)}:{at}/"
        finally:
            listening.close()


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
