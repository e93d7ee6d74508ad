"""The Redis to work with: the one given, or the embedded server."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from fedredis.connection import await_redis, check, connect, explain, server_url
from fedredis.redis_url import masked, redis_cli

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redis import Redis

    from fedredis.embedded import EmbeddedServer

#: A path, as a caller may give it.
PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Session:
    """A connection, and how a person gets to the same Redis."""

    client: Redis
    url: str
    server: EmbeddedServer | None

    @property
    def shown_url(self) -> str:
        """The URL without its password."""
        return masked(self.server.tcp_url if self.server else self.url)

    @property
    def hint(self) -> str:
        """A shell command that opens the same Redis, and shows no password."""
        if self.server:
            return self.server.cli_hint()
        return redis_cli(server_url(self.url), os.environ)


@contextmanager
def session(
    redis_url: str | None, home: PathLike, *, wait: Callable[[str], None] | None = None
) -> Iterator[Session]:
    """Open a Redis, and leave it at the end.

    With `wait`, one that is away is waited for, and `wait` is told so once.

    Raises
    ------
    RedisUnavailableError
        If the one given does not answer, or either does not do what it is told meanwhile.
    ServerError
        If the embedded one does not start.
    UsageError
        If the URL can't be used.
    """
    if redis_url:
        if wait:
            await_redis(redis_url, wait)
        else:
            check(redis_url)
        with _explained(redis_url), closing(connect(redis_url)) as client:
            yield Session(client, redis_url, None)
        return
    from fedredis.embedded import EmbeddedServer  # who names a Redis needs none

    with (
        EmbeddedServer.open(Path(home)) as server,
        _explained(server.url),
        closing(connect(server.url)) as client,
    ):
        yield Session(client, server.url, server)


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turn what Redis refuses, or does not answer, into a line, whatever asked for it."""
    try:
        yield
    except RedisError as error:
        raise explain(error, url) from error
