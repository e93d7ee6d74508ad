"""The Redis that a command works with: the one given, or the embedded server."""

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


@dataclass(frozen=True)
class Session:
    """A connection, and how a person gets to the same Redis."""

    client: Redis
    url: str
    #: The options that lead other commands to the same Redis, with a space before each.
    options: str
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
def session(redis_url: str | None, home: Path) -> Iterator[Session]:
    """Open the Redis of a command.

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
            options = f" --redis-url {shlex.quote(masked(redis_url))}"
            if redis_url == os.environ.get("REDIS_URL"):
                options = ""
            yield Session(client, redis_url, options, None)
        finally:
            client.close()
        return
    with EmbeddedServer.open(home) as server:
        client = connect(server.url)
        options = "" if home == Path(".fedredis") else f" --home {shlex.quote(str(home))}"
        try:
            yield Session(client, server.url, options, server)
        finally:
            client.close()
