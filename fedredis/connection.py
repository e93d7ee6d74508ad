"""Connections to Redis that ride out a restart, and a line that says where Redis was expected."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from fedredis.errors import RedisUnavailableError, UsageError
from fedredis.redis_url import PASSWORD, check_url, masked, watched
from fedredis.sentinel import Sentinels

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds without an answer after which a connection counts as dead; reads that block wait less.
SOCKET_TIMEOUT = 10.0
#: What keeps a connection in the memory of the firewalls that it passes, and finds that one has
#: forgotten it: seconds of silence before it is asked for, seconds between and number of attempts.
KEEPALIVE = {
    getattr(socket, name): value
    for name, value in {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}.items()
    if hasattr(socket, name)
}
#: Seconds for which a command is tried again, all tries together.
PATIENCE = 20.0
#: The same where Sentinels have to notice, to agree, and sometimes to vote twice.
FAILOVER_PATIENCE = 60.0
#: Seconds between two attempts to reach Redis, at most.
LONGEST_BACKOFF = 1.0

#: What a server answers, or does not, while it is away, starts, or is a replica for a while.
AWAY = (RedisConnectionError, RedisTimeoutError, BusyLoadingError, ReadOnlyError)


class BusyScriptError(RedisConnectionError):
    """The server runs somebody's long script, and nothing else meanwhile."""


class NoReplicasError(RedisConnectionError):
    """The server takes no writes, as too few replicas follow it: there may be another master."""


class Patience(Retry):
    """Tries again, with backoff, until a time is over that all tries share, nested ones too.

    A number of tries would say little: one takes no time where nobody listens, and the whole
    timeout where somebody does and never answers; and each try of a command tries to connect.
    """

    __hash__ = Retry.__hash__

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        super().__init__(ExponentialBackoff(cap=LONGEST_BACKOFF, base=0.05), -1, AWAY)
        self._seconds, self._clock, self._within = seconds, clock, threading.local()

    def __deepcopy__(self, memo: Any) -> Patience:
        return self  # shared by a client and its connections

    def call_with_retry(self, do: Any, fail: Any, *args: Any, **options: Any) -> Any:
        """Call `do` until it answers; after each error in `AWAY` call `fail`."""
        if getattr(self._within, "try_", False):
            return do()
        deadline = self._clock() + self._seconds

        def one_try() -> Any:
            self._within.try_ = True
            try:
                answer = do()
            except ResponseError as error:
                if away := _away(error):
                    raise away from error
                raise
            finally:
                self._within.try_ = False
            # A pipeline may hand errors on, each in the place of an answer.
            for one in answer if isinstance(answer, list) else ():
                if isinstance(one, ResponseError) and (away := _away(one)):
                    raise away from one
            return answer

        def failed(error: Exception, *count: int) -> None:
            fail(error, *count)
            if _final(error) or self._clock() >= deadline:
                raise error

        return super().call_with_retry(one_try, failed, *args, **options)


def _away(error: ResponseError) -> Exception | None:
    """Return what is tried again if a server answers this: it takes no commands for a while."""
    if "BUSY" in str(error) and "SCRIPT KILL" in str(error):
        return BusyScriptError(str(error))
    if "NOREPLICAS" in str(error):
        return NoReplicasError(str(error))
    return error if isinstance(error, AWAY) else None


def _final(error: BaseException | None) -> bool:
    """Say whether trying again would change nothing."""
    refused = isinstance(error, AuthenticationError | AuthorizationError)
    return refused or "CERTIFICATE_VERIFY_FAILED" in str(error)


def connect(
    url: str, *, patience: float | None = None, clock: Callable[[], float] = time.monotonic
) -> Redis:
    """Make a client for a URL; nothing is sent yet.

    Every command is tried again, with backoff, for about `patience` seconds while Redis is
    away; for `PATIENCE`, or `FAILOVER_PATIENCE` where the URL names Sentinels, if not given. That
    is safe because every script may be delivered twice.

    Raises
    ------
    UsageError
        If the URL is malformed, or has options that change how fedredis uses Redis.
    """
    try:
        check_url(url)
        service = watched(url)
        usual = FAILOVER_PATIENCE if service else PATIENCE
        how: dict[str, Any] = {
            "retry": Patience(usual if patience is None else patience, clock),
            "socket_timeout": SOCKET_TIMEOUT,
            "socket_connect_timeout": 5.0,
            "protocol": 2,
        }
        if not url.startswith("unix:"):
            # By itself from redis-py 8 on.
            how |= {"socket_keepalive": True, "socket_keepalive_options": KEEPALIVE}
        client = Sentinels(service, clock).client(**how) if service else Redis.from_url(url, **how)
        # The URL's options are looked at here, and not first when something is sent.
        pool = client.connection_pool
        pool.connection_class(**pool.connection_kwargs)
    except (ValueError, TypeError, RedisError) as error:
        raise UsageError(f"Redis URL {masked(url)!r} can't be used: {error}") from error
    return client


def check(url: str, *, patience: float = 0.0) -> None:
    """See that Redis answers at this URL, by default at once.

    Raises
    ------
    RedisUnavailableError
        If it does not, refuses the login, or is one of several servers.
    """
    client = connect(url, patience=patience)
    try:
        # Not PING, which a server that can't write its files refuses; and every user may say it.
        said: Any = client.execute_command("HELLO")  # type: ignore[no-untyped-call]
        mode = dict(zip(said[::2], said[1::2], strict=True))[b"mode"].decode()
    except RedisError as error:
        raise explain(error, url) from error
    finally:
        client.close()
    if mode != "standalone":
        wanted = "redis+sentinel://HOST:PORT/SERVICE" if mode == "sentinel" else "a single server"
        raise RedisUnavailableError(
            f"Redis at {masked(url)} runs as {mode}: give the URL of {wanted}"
        )


def server_url(url: str) -> str:
    """Return the URL of a single server: where one names Sentinels, of the master now.

    Raises
    ------
    RedisError
        If no Sentinel tells it.
    """
    service = watched(url)
    return service.server(*Sentinels(service).master()) if service else url


def await_redis(url: str, say: Callable[[str], None]) -> None:
    """See that Redis answers at this URL, and wait for as long as it is away.

    `say` is told so once.

    Raises
    ------
    RedisUnavailableError
        If it refuses the login, or is one of several servers.
    """
    patience = 0.0
    while True:
        try:
            return check(url, patience=patience)
        except RedisUnavailableError as error:
            if not isinstance(error.__cause__, AWAY) or _final(error.__cause__):
                raise
            if not patience:
                say(f"{error}; trying until it answers")
            patience = PATIENCE


def explain(error: RedisError, url: str) -> RedisUnavailableError:
    """Turn what Redis answered, or did not, into a line that says what is wrong with it."""
    if isinstance(error, OutOfMemoryError):
        return RedisUnavailableError(
            f"Redis at {masked(url)} is out of memory: raise its maxmemory"
        )
    if str(error).startswith("MISCONF"):
        return RedisUnavailableError(
            f"Redis at {masked(url)} cannot persist what it is told: look at its disk and log"
        )
    if isinstance(error, AuthenticationError | AuthorizationError):
        why = "it asks for a password" if asks_for_password(error) else str(error).rstrip(".")
        return RedisUnavailableError(
            f"Redis at {masked(url)} refuses the login: {why}; a password is given in the URL or "
            f"by {PASSWORD}"
        )
    if isinstance(error, NoPermissionError):
        return RedisUnavailableError(
            f"Redis at {masked(url)} does not allow this login to do so: {error}; `fedredis acl` "
            "prints the rules"
        )
    if isinstance(error, AWAY):
        return RedisUnavailableError(f"Redis unreachable at {masked(url)}: {error}")
    return RedisUnavailableError(f"Redis at {masked(url)} failed: {error}")


def asks_for_password(error: RedisError) -> bool:
    """Say whether a login is refused since none was given, in the words of any server."""
    said = str(error)
    # Redis answers a HELLO without a password with words about commands.
    return said.startswith(("Authentication required", "NOAUTH")) or "HELLO must be called" in said
