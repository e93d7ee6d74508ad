"""The web server: waitress, with one Redis client for all requests."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any

from waitress.server import create_server
from waitress.task import ThreadedTaskDispatcher
from waitress.trigger import trigger
from waitress.wasyncore import close_all

from fedredis.api.metrics import is_own
from fedredis.api.session import session
from fedredis.errors import PortTakenError, UsageError
from fedredis.web.app import MOST_BYTES, create_app
from fedredis.web.launches import Launches
from fedredis.web.site import Site
from fedredis.web.stream import MOST_STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from waitress.server import BaseWSGIServer, MultiSocketServer

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


@dataclass(frozen=True)
class Page:
    """The page, at an address where somebody listens."""

    address: str
    #: All that it reads from and writes to, by descriptor; of the thread that serves.
    sockets: dict[int, Any]
    listening: BaseWSGIServer | MultiSocketServer

    def run(self) -> None:
        """Serve until it is interrupted."""
        self.listening.run()

    @contextmanager
    def beside(self) -> Iterator[Thread]:
        """Serve by a thread of its own, which is lent, and over at the end."""
        thread = Thread(target=self.run, daemon=True)
        thread.start()
        try:
            yield thread
        finally:
            # The thread closes what it waits for: of what another closes, `select` would fail.
            woken = next(each for each in self.sockets.values() if isinstance(each, trigger))
            woken.pull_trigger(partial(close_all, self.sockets, ignore_all=True))
            thread.join()


@contextmanager
def server(
    *,
    redis_url: str | None,
    home: Path,
    host: str,
    port: int,
    secret: str,
    command: Sequence[str],
) -> Iterator[Page]:
    """Lend the page, which is listened for, and served by what is done with it.

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
        sockets: dict[int, Any] = {}
        try:
            listening = create_server(
                create_app(site),
                sockets,
                host=host,
                port=port,
                ident=None,
                # Before anybody has logged in, and a byte of it is looked at.
                max_request_body_size=MOST_BYTES,
                _dispatcher=threads,
            )
        except OSError as error:
            raise PortTakenError(f"nobody can listen at {host}:{port}: {error.strerror}") from None
        try:
            # A name may lead to several addresses, each with a socket.
            several = getattr(listening, "effective_listen", None)
            at = several[0][1] if several else listening.effective_port
            yield Page(f"http://{_shown(host)}:{at}/", sockets, listening)
        finally:
            threads.shutdown()
            close_all(sockets)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
