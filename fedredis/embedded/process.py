"""The server's process: starting it, waiting for it, stopping it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from redis import Redis
from redis import exceptions as redis_errors
from redis.backoff import ConstantBackoff, NoBackoff
from redis.retry import Retry

from fedredis.embedded.home import LOOPBACK, open_private, tcp_url, url_of, write
from fedredis.embedded.locks import PAUSE, lock_now, open_lock
from fedredis.errors import ServerError

if TYPE_CHECKING:
    from pathlib import Path

    from fedredis.embedded.locks import Locks

#: Seconds in which a server has to answer, or to end.
PATIENCE = 30.0

#: Paths are relative, as the server works in its home. The append-only file holds plain commands,
#: so that another Redis or Valkey, an older one too, can read it after PATH has changed.
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
"""


def _connect(url: str) -> Redis:
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=PATIENCE)


def start(home: Path, binary: Path, password: str, locks: Locks) -> dict[str, Any]:
    """Start the server, wait until it has loaded its data, and return what INFO says."""
    write(home / ".gitignore", "*\n")
    write(home / "server.conf", CONFIG.format(port=locks.choose_port(), password=password))
    log_path = home / "server.log"
    lock = open_lock(home, "server")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with os.fdopen(open_private(log_path, os.O_WRONLY | os.O_APPEND), "ab") as log:
            before = log.tell()
            subprocess.run(
                [binary, "server.conf"],
                cwd=home,
                env={**os.environ, "LC_ALL": "C"},  # some servers end at a locale unknown to them
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,
                umask=0o077,
                timeout=PATIENCE,
                check=False,
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServerError(f"{binary} did not start: {error}") from error
    finally:
        os.close(lock)
    try:
        info = answer(home, password, locks)
    except BaseException:
        with suppress(ServerError):
            stop(password, locks)
        raise
    if info is None:
        raise ServerError(f"{binary} did not start: {_last_line(log_path, before)}")
    return info


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


def stop(password: str, locks: Locks) -> None:
    """Shut the server down and wait for its process to end."""
    try:
        with (
            _connect(tcp_url(password, locks.port())) as client,
            suppress(redis_errors.ConnectionError),  # the server ends instead of an answer
        ):
            client.execute_command("SHUTDOWN")
        retry = Retry(ConstantBackoff(PAUSE), int(PATIENCE / PAUSE), (BlockingIOError,))
        retry.call_with_retry(lambda: lock_now(locks.server), lambda _: None)
    except (redis_errors.RedisError, BlockingIOError) as error:
        raise ServerError(f"the server on port {locks.port()} did not stop: {error}") from error


def _last_line(log: Path, start: int) -> str:
    """Return the last line that stands in a log after this position."""
    text = log.read_bytes()[start:].decode(errors="replace").strip()
    return text.rpartition("\n")[2].rpartition(" # ")[2] or "it said nothing"
