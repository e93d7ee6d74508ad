"""The Redis to work with: the one given, or the embedded server."""

from __future__ import annotations

import os
import shlex
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fedredis.connection import check, connect, masked
from fedredis.embedded import EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis import Redis

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
        """A shell command that opens the same Redis."""
        if self.server:
            return self.server.cli_hint()
        return f"redis-cli -u {shlex.quote(self.shown_url)}"


@contextmanager
def session(redis_url: str | None, home: PathLike) -> Iterator[Session]:
    """Open a Redis, and leave it at the end.

    Raises
    ------
    RedisUnavailableError
        If the one given does not answer.
    ServerError
        If the embedded one does not start.
    UsageError
        If the URL is malformed.
    """
    if redis_url:
        check(redis_url)
        client = connect(redis_url)
        try:
            yield Session(client, redis_url, None)
        finally:
            client.close()
        return
    with EmbeddedServer.open(Path(home)) as server:
        client = connect(server.url)
        try:
            yield Session(client, server.url, server)
        finally:
            client.close()
