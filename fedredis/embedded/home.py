"""The server's directory: its owner and mode, its password, and the URLs that lead to it."""

from __future__ import annotations

import os
import re
import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote

from fedredis.errors import ServerError

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK = "127.0.0.1"
#: Bytes in the path of a Unix socket that clients can connect to (Linux: 107, macOS: 103).
SOCKET_PATH_MAX = 100
#: What a run makes in its directory before a server starts there.
BEFORE_SERVERS = {"partitions", "keys"}


def prepare(home: Path) -> Path:
    """Make the directory, or check and tighten it, and return its absolute path."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home = home.resolve()
    status = home.stat()
    if status.st_uid != os.geteuid():
        raise ServerError(f"{home} belongs to another user: choose another directory")
    if status.st_mode & 0o077:
        # Every server has its start.lock first, so another process that starts is no stranger.
        there = {path.name for path in home.iterdir()}
        if there - BEFORE_SERVERS and "start.lock" not in there:
            raise ServerError(
                f"{home} holds other files and is open to other users: "
                "choose another directory, or make it yours alone with chmod 700"
            )
        home.chmod(0o700)
    return home


def open_private(path: Path, flags: int) -> int:
    """Open a file, made if need be so that only this user can read it."""
    return os.open(path, flags | os.O_CREAT, 0o600)


def write(path: Path, text: str) -> None:
    """Write a file that only this user can read."""
    with open(open_private(path, os.O_WRONLY | os.O_TRUNC), "w") as file:
        file.write(text)


def password_of(home: Path) -> str:
    """Return the directory's password, made at its first start.

    Raises
    ------
    ServerError
        If the file that holds it is damaged.
    """
    path = home / "password"
    if not path.exists() or not path.read_bytes().strip():
        write(path, secrets.token_urlsafe(32) + "\n")
    password = path.read_bytes().strip()
    # The server's settings, shells and URLs take such a word as it is.
    if not re.fullmatch(rb"[\w-]+", password):
        raise ServerError(f"{path} is damaged: delete it, and the next start makes another one")
    return password.decode()


def tcp_url(password: str, port: int) -> str:
    """Return the URL of the server on loopback TCP."""
    return f"redis://:{password}@{LOOPBACK}:{port}/0"


def url_of(home: Path, password: str, port: int) -> str:
    """Return the URL of the socket, or of the port where the socket's path is not for one."""
    path = str(home / "server.sock")
    # A URL holds text: a path that is none is not for it either.
    if len(os.fsencode(path)) > SOCKET_PATH_MAX or not path.isprintable():
        return tcp_url(password, port)
    return f"unix://:{password}@{quote(path)}?db=0"
