"""The server's process: starting it, waiting for it, stopping it."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from redis import Redis
from redis import exceptions as redis_errors
from redis.backoff import ConstantBackoff, NoBackoff
from redis.retry import Retry

from fedredis.embedded.home import LOOPBACK, open_private, tcp_url, url_of, write
from fedredis.embedded.interrupts import held_back
from fedredis.embedded.locks import PAUSE, open_lock
from fedredis.errors import ServerError

if TYPE_CHECKING:
    from pathlib import Path

    from fedredis.embedded.locks import Locks

#: Seconds in which a server has to answer, or to end.
PATIENCE = 30.0
#: Seconds in which a server that can't be asked to end may do so by itself, before it is killed.
SHORT_PATIENCE = 2.0

#: Given on standard input: the server takes a file's absolute path for a pattern, and one with
#: brackets in it for no file at all. Paths are relative, as the server works in its home. The
#: append-only file holds plain commands, so that another Redis or Valkey, an older one too, can
#: read it after PATH has changed. A hash of more than a few entries is one from the start: as a
#: list, which is how up to 512 are kept otherwise, it takes twice as long to see who is in a round
#: (the option's older name, which all servers know).
CONFIG = f"""\
bind {LOOPBACK}
port {{port}}
protected-mode yes
requirepass {{password}}
unixsocket server.sock
unixsocketperm 600
daemonize yes
pidfile server.pid
logfile server.log
save ""
appendonly yes
appendfsync everysec
aof-load-truncated yes
aof-use-rdb-preamble no
maxmemory-policy noeviction
hash-max-ziplist-entries 64
"""


def _connect(url: str) -> Redis:
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=PATIENCE)


def start(home: Path, binary: Path, password: str, locks: Locks) -> dict[str, Any]:
    """Start the server, wait until it has loaded its data, and return what INFO says."""
    write(home / ".gitignore", "*\n")
    port, log_path, pid_path = locks.choose_port(), home / "server.log", home / "server.pid"
    # From here on, whoever stands in this file is the server that holds the lock.
    pid_path.unlink(missing_ok=True)
    lock = open_lock(home, "server")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with os.fdopen(open_private(log_path, os.O_WRONLY | os.O_APPEND), "ab") as log:
            before = log.tell()
            subprocess.run(
                [binary, "-"],
                cwd=home,
                env={**os.environ, "LC_ALL": "C"},  # some servers end at a locale unknown to them
                input=CONFIG.format(port=port, password=password).encode(),
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,
                umask=0o077,
                timeout=PATIENCE,
                check=False,
            )
        os.close(lock)
        info = answer(home, password, locks)
        if info is not None:
            _verify(binary, port, password)
    except BaseException as error:
        # Interrupted, say, and nobody is to be left with a server that nobody knows.
        with held_back():
            with suppress(OSError):
                os.close(lock)
            with suppress(ServerError):
                stop(home, password, locks)
        if isinstance(error, OSError | subprocess.TimeoutExpired):
            raise ServerError(f"{binary} did not start: {error}") from error
        raise
    if info is None:
        raise ServerError(f"{binary} did not start: {_last_line(log_path, before)}")
    return info


def _verify(binary: Path, port: int, password: str) -> None:
    """See that the server is as it was told to be, and lets nobody else in."""
    asked = {"bind": LOOPBACK, "port": str(port), "requirepass": password}
    with _connect(tcp_url(password, port)) as client:
        if client.config_get(*asked) != asked:
            raise ServerError(f"{binary} came up with other settings than it was given: not used")


def answer(home: Path, password: str, locks: Locks) -> dict[str, Any] | None:
    """Wait until the server serves; return what INFO says, or None if the server has ended."""
    deadline = time.monotonic() + PATIENCE

    def give_up(error: Exception) -> None:
        loading = isinstance(error, redis_errors.BusyLoadingError)
        refused = isinstance(error, redis_errors.AuthenticationError)
        late = time.monotonic() > deadline and not loading
        if refused or late or not locks.server_runs():
            raise error

    def ask(client: Redis) -> dict[str, Any]:
        # A read, which waits until the data is loaded; PING is refused while the disk is full.
        client.dbsize()
        info: Any = client.info("server")
        return dict(info)

    try:
        with _connect(url_of(home, password, locks.port())) as client:
            retry = Retry(ConstantBackoff(PAUSE), -1)
            return retry.call_with_retry(lambda: ask(client), give_up)
    except redis_errors.RedisError as error:
        if not locks.server_runs():
            return None
        raise ServerError(f"the server in {home} runs, but does not answer: {error}") from error


def stop(home: Path, password: str, locks: Locks) -> None:
    """Shut the server down, or else kill it, and wait for its process to end."""
    patience = PATIENCE
    try:
        with _connect(tcp_url(password, locks.port())) as client:
            client.execute_command("SHUTDOWN")
    except redis_errors.RedisError as error:
        # A server that ends says nothing; one that has just been started may not listen yet.
        refused = isinstance(error, redis_errors.AuthenticationError) or "connecting" in str(error)
        if refused or not isinstance(error, redis_errors.ConnectionError):
            patience = SHORT_PATIENCE
    if locks.server_ends(patience):
        return
    # Not those of another server, where somebody has deleted the home and begun it anew.
    if locks.are_of(home):
        with suppress(OSError, ValueError):
            os.kill(int((home / "server.pid").read_text()), signal.SIGKILL)
    if not locks.server_ends(patience):
        raise ServerError(f"the server on port {locks.port()} did not stop")


def _last_line(log: Path, start: int) -> str:
    """Return the last line that stands in a log after this position."""
    text = log.read_bytes()[start:].decode(errors="replace").strip()
    return text.rpartition("\n")[2].rpartition(" # ")[2] or "it said nothing"
