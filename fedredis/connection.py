"""Connections to Redis that ride out a restart, and a line that says where Redis was expected."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import BusyLoadingError, OutOfMemoryError, ReadOnlyError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from fedredis.errors import RedisUnavailableError, UsageError

#: Seconds without an answer after which a connection counts as dead; reads that block wait less.
SOCKET_TIMEOUT = 15.0
#: Seconds between two attempts to reach Redis, at most.
LONGEST_BACKOFF = 1.0

#: What a server answers, or does not, while it is away, starts, or is a replica for a while.
AWAY = (RedisConnectionError, RedisTimeoutError, BusyLoadingError, ReadOnlyError)

SCHEMES = ("redis", "rediss", "unix")


def connect(url: str, *, patience: float = 20.0) -> Redis:
    """Make a client for a URL; nothing is sent yet.

    Every command is tried again, with backoff, for about `patience` seconds while Redis is
    away. That is safe because every script may be delivered twice.

    Raises
    ------
    UsageError
        If the URL is malformed.
    """
    try:
        if urlsplit(url).scheme not in SCHEMES:
            raise ValueError(f"it must start with {', '.join(s + '://' for s in SCHEMES)}")
        client = Redis.from_url(
            url,
            retry=Retry(
                ExponentialBackoff(cap=LONGEST_BACKOFF, base=0.05),
                retries=max(1, round(patience / LONGEST_BACKOFF)),
            ),
            retry_on_error=[*AWAY],
            socket_timeout=SOCKET_TIMEOUT,
            socket_connect_timeout=5.0,
            protocol=2,
        )
        # The URL's options are looked at here, and not first when something is sent.
        pool = client.connection_pool
        pool.connection_class(**pool.connection_kwargs)
    except (ValueError, TypeError, RedisError) as error:
        raise UsageError(f"Redis URL {masked(url)!r} can't be used: {error}") from error
    return client


def check(url: str) -> None:
    """See at once, without patience, that Redis answers at this URL.

    Raises
    ------
    RedisUnavailableError
        If it does not, or refuses the login.
    """
    client = connect(url, patience=1.0)
    try:
        # Not PING, which a server that can't write its files refuses; reads work there.
        client.echo("fedredis")
    except RedisError as error:
        raise explain(error, url) from error
    finally:
        client.close()


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
    if isinstance(error, AWAY):
        return RedisUnavailableError(f"Redis unreachable at {masked(url)}: {error}")
    return RedisUnavailableError(f"Redis at {masked(url)} failed: {error}")


def masked(url: str) -> str:
    """Return the URL without its password, to be shown."""
    # By patterns, since it has to work for a URL that can't be parsed too.
    url = re.sub(r"(?<=://)([^:/?#@]*):.*@", r"\1:***@", url)
    return re.sub(r"([?&](?:ssl_)?password=)[^&#]*", r"\1***", url)
