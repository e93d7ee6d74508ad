"""The locked files of a home, which tell who uses the server and whether it runs."""

from __future__ import annotations

import fcntl
import os
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redis.backoff import ConstantBackoff
from redis.retry import Retry

from fedredis.embedded.home import LOOPBACK, open_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

#: Seconds between two looks at a port or a lock that is about to be let go.
PAUSE = 0.005
#: Looks at the last port before another one is chosen.
PORT_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Locks:
    """The three locked files of a home, as file descriptors."""

    start: int
    users: int
    server: int

    @classmethod
    def open(cls, home: Path) -> Self:
        """Open the files of a home, made if need be; nothing is locked yet."""
        return cls(*(open_lock(home, name) for name in ("start", "users", "server")))

    @contextmanager
    def entrance(self) -> Iterator[None]:
        """Let no other process join, start or leave meanwhile."""
        fcntl.flock(self.start, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self.start, fcntl.LOCK_UN)

    def share(self) -> None:
        """Count as a user."""
        fcntl.flock(self.users, fcntl.LOCK_SH)

    def only_user(self) -> bool:
        """Stop counting as a user, and say whether there is no other."""
        fcntl.flock(self.users, fcntl.LOCK_UN)
        return _try_lock(self.users)

    def server_runs(self) -> bool:
        """Say whether the server's process is alive."""
        if _try_lock(self.server):
            fcntl.flock(self.server, fcntl.LOCK_UN)
            return False
        return True

    def are_of(self, home: Path) -> bool:
        """Say whether these are still the files of the home: nobody has deleted it meanwhile."""
        lock = home / "server.lock"
        return lock.exists() and os.path.samestat(lock.stat(), os.fstat(self.server))

    def server_ends(self, seconds: float) -> bool:
        """Wait for the server's process to end, and say whether it has."""
        retry = Retry(ConstantBackoff(PAUSE), int(seconds / PAUSE), (BlockingIOError,))
        try:
            retry.call_with_retry(lambda: lock_now(self.server), lambda _: None)
        except BlockingIOError:
            return False
        fcntl.flock(self.server, fcntl.LOCK_UN)
        return True

    def port(self) -> int:
        """Return the port of the server that runs or was the last to run; 0 if there is none.

        Read from the open file: even when someone has deleted the home, and another server has
        been started in its place, this is the port of the server that these locks are about.
        """
        text = os.pread(self.server, 16, 0).decode(errors="replace").strip()
        return int(text) if text.isdecimal() and int(text) < 1 << 16 else 0

    def choose_port(self) -> int:
        """Keep the last port if it is free, else choose another one."""
        # A server that was killed may lose its lock a moment before it loses its port.
        retry = Retry(ConstantBackoff(PAUSE), PORT_ATTEMPTS, (OSError,))
        try:
            port = retry.call_with_retry(lambda: _bindable(self.port()), lambda _: None)
        except OSError:
            port = _bindable(0)
        os.ftruncate(self.server, 0)
        os.pwrite(self.server, f"{port}\n".encode(), 0)
        return port

    def close(self) -> None:
        """Release everything; unlocked one by one, since a forked child may share them."""
        for descriptor in (self.start, self.users, self.server):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


def open_lock(home: Path, name: str) -> int:
    """Open one of the files, by name without its ending; return its descriptor."""
    return open_private(home / f"{name}.lock", os.O_RDWR)


def lock_now(descriptor: int) -> None:
    """Lock a file exclusively; BlockingIOError if it is locked."""
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _try_lock(descriptor: int) -> bool:
    try:
        lock_now(descriptor)
    except BlockingIOError:
        return False
    return True


def _bindable(port: int) -> int:
    """Return this TCP port, or any one for 0; OSError if it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((LOOPBACK, port))
        bound: int = probe.getsockname()[1]
        return bound
