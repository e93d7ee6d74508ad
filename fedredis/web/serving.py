"""The web server: waitress, with one Redis client for all requests."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from waitress.server import create_server
from waitress.task import ThreadedTaskDispatcher

from fedredis.api.metrics import is_own
from fedredis.api.session import session
from fedredis.errors import PortTakenError, UsageError
from fedredis.web.app import create_app
from fedredis.web.launches import Launches
from fedredis.web.site import Site
from fedredis.web.stream import MOST_STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from waitress.server import BaseWSGIServer

#: Threads beside those of streams.
THREADS = 8
#: Seconds that requests have to end when the server does.
GRACE = 0.5
#: Letters that a password has at least.
LEAST = 8


class Threads(ThreadedTaskDispatcher):  # type: ignore[misc]
    """The server's threads; streams, which do not end by themselves, are not waited for."""

    def shutdown(self, cancel_pending: bool = True, timeout: float = GRACE) -> bool:
        """End, but for those that have not by then."""
        return bool(super().shutdown(cancel_pending, min(timeout, GRACE)))


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
    PortTakenError
        If nobody can listen there.
    """
    if not secret and not is_own(host):
        raise UsageError(
            f"`host={host}` lets other machines in: set a password by the variable "
            "FEDREDIS_WEB_PASSWORD, or by `password_file`"
        )
    if secret and len(secret) < LEAST:
        raise UsageError(f"the page's password has to have at least {LEAST} letters")
    with session(redis_url, home) as opened:
        site = Site(opened, redis_url, home, secret, Launches(command, home, redis_url))
        threads = Threads()
        threads.set_thread_count(MOST_STREAMS + THREADS)
        try:
            listening = create_server(
                create_app(site), host=host, port=port, ident=None, _dispatcher=threads
            )
        except OSError as error:
            raise PortTakenError(f"nobody can listen at {host}:{port}: {error.strerror}") from None
        try:
            # A name may lead to several addresses, each with a socket.
            sockets = getattr(listening, "effective_listen", None)
            at = sockets[0][1] if sockets else listening.effective_port
            yield listening, f"http://{_shown(host)}:{at}/"
        finally:
            listening.close()


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
