"""One process' use of the server of a directory."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fedredis.embedded.binary import find_binary
from fedredis.embedded.home import password_of, prepare, tcp_url, url_of
from fedredis.embedded.interrupts import held_back
from fedredis.embedded.locks import Locks
from fedredis.embedded.process import answer, start, stop
from fedredis.errors import ServerError
from fedredis.printable import shell_word

if TYPE_CHECKING:
    from typing import Self

#: Where the server lives unless told otherwise.
DEFAULT_HOME = Path(".fedredis")


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """One process' use of the server of a directory; :meth:`open` makes it.

    Attributes
    ----------
    home
        The server's directory, absolute.
    url
        What clients connect to: the Unix socket, or TCP where the socket's path is too long.
        It contains the password, and so does ``tcp_url``.
    tcp_url
        The same server on loopback TCP.
    port
        The TCP port: the same at every start, as long as it is free.
    pid
        The server's process id.
    """

    home: Path
    url: str = field(repr=False)
    tcp_url: str = field(repr=False)
    port: int
    pid: int
    _leaving: ExitStack = field(repr=False, compare=False)

    @classmethod
    def open(cls, home: Path = DEFAULT_HOME, *, binary: Path | None = None) -> Self:
        """Join the server of this directory, or start it.

        Parameters
        ----------
        home
            The directory; made, or tightened, so that only this user can enter it.
        binary
            The server's program; what :func:`find_binary` finds, if not given.

        Raises
        ------
        ServerError
            If the directory can't be used, or its server does not start or answer.
        """
        with ExitStack() as undo:
            try:
                home = prepare(home)
                locks = Locks.open(home)
                undo.callback(locks.close)
                with locks.entrance():
                    locks.share()
                    password = password_of(home)
                    info = answer(home, password, locks) if locks.server_runs() else None
                    if info is None:
                        info = start(home, find_binary(binary), password, locks)
            except OSError as error:
                raise ServerError(f"{home} can't be the server's directory: {error}") from error
            undo.pop_all()
        leaving = ExitStack()
        leaving.callback(_leave, home, locks, password, os.getpid())
        port = info["tcp_port"]
        urls = url_of(home, password, port), tcp_url(password, port)
        return cls(home, *urls, port, info["process_id"], leaving)

    def cli_hint(self) -> str:
        """Return a shell command that reaches the server and does not show its password."""
        password = self.home / "password"
        if password.is_relative_to(Path.cwd()):
            password = password.relative_to(Path.cwd())
        return f"REDISCLI_AUTH=$(cat {shell_word(str(password))}) redis-cli -p {self.port}"

    def close(self) -> None:
        """Leave the server. The last process to leave stops it and waits for its end.

        In a forked child this does nothing: the use is its parent's.

        Raises
        ------
        ServerError
            If the server does not stop.
        """
        self._leaving.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self.close()


def _leave(home: Path, locks: Locks, password: str, owner: int) -> None:
    """Leave, and stop the server if nobody else uses it."""
    if os.getpid() != owner:
        return
    with held_back():
        try:
            with locks.entrance():
                if locks.only_user():
                    stop(home, password, locks)
        finally:
            locks.close()
