"""A server that a test can kill, stop, starve and bring back."""

from __future__ import annotations

import resource
import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from redis.backoff import ConstantBackoff
from redis.exceptions import ResponseError
from redis.retry import Retry

from fedredis.connection import connect
from fedredis.embedded import find_binary
from fedredis.embedded.process import CONFIG
from fedredis.store.scripts import source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from redis import Redis

PASSWORD = "of-the-faults"
#: Nothing happens to its file but what tests do.
MORE = "daemonize no\nlogfile server.log\nauto-aof-rewrite-percentage 0\n"


class Server:
    """The embedded server's program with its settings, in a folder and on a port of its own."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port = home, port
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
        #: The URL by which the test itself gets there, and what runs a command where it is.
        self.here, self.prefix = self.url, list[str]()
        home.mkdir()
        (home / "server.conf").write_text(CONFIG.format(port=port, password=PASSWORD) + MORE)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, at first or again, and wait until it has loaded its data."""
        assert self._process is None
        # With the limit of a file's size as a full disk: a write fails, and kills nobody.
        self._process = subprocess.Popen(
            [*self.prefix, find_binary(), "server.conf"], cwd=self.home, restore_signals=False
        )
        with connect(self.here) as client:
            client.ping()

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def stop(self) -> None:
        self._send(signal.SIGSTOP)

    def go_on(self) -> None:
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(number)

    @property
    def file(self) -> Path:
        """The append-only file."""
        (file,) = (self.home / "appendonlydir").glob("*.incr.aof")
        return file

    def cut(self, middle_of: bytes) -> None:
        """Cut the end off the append-only file of a server that is down.

        What is left ends in the middle of the first command with these bytes.
        """
        assert self._process is None
        written = self.file.read_bytes()
        self.file.write_bytes(written[: written.index(middle_of) + len(middle_of) // 2])

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Let the server write nothing more to its files, as on a full disk."""
        soft, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        size = self.file.stat().st_size
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (size, hard))
        with connect(self.url) as client:
            until(lambda: refused(client))
            yield
            resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (soft, hard))
            until(lambda: not refused(client))

    def load_scripts(self, client: Redis, *names: str) -> list[bytes]:
        """Load scripts, so that calls go by their digests; return these."""
        return [client.script_load(source(name)).encode() for name in names]


class NotYetError(Exception):
    """What is waited for has not come."""


def until(condition) -> None:
    """Ask the server again and again until a condition holds, for forty seconds at most."""

    def ask() -> None:
        if not condition():
            raise NotYetError

    Retry(ConstantBackoff(0.02), 2000, (NotYetError,)).call_with_retry(ask, lambda _: None)


def entries_after(client: Redis, stream: str, after: bytes) -> list[tuple[bytes, Any]]:
    """Wait until a stream has entries after one, for forty seconds at most; return them."""
    for _ in range(8):
        # Well within what a connection waits for an answer.
        if answer := client.xread({stream: after}, block=5000):
            entries: list[tuple[bytes, Any]] = answer[0][1]
            return entries
    return []


def refused(client: Redis) -> bool:
    """Say whether a write is refused since the server can't put it on its disk."""
    try:
        client.set("a-write", "of the test")
    except ResponseError as error:
        if not str(error).startswith("MISCONF"):
            raise
        return True
    return False
