"""A client of whichever server of a service is the master now, as its Sentinels say.

redis-py's own ``master_for`` asks them only where a connection is taken anew out of its pool: one
that breaks under a command goes back to the old address for as long as it is tried again (its
issue 3874), and one that does not break stays with a server that is the master no more.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from redis import Connection, ConnectionPool, Redis, SSLConnection
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.exceptions import AuthenticationError, RedisError
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from fedredis.redis_url import Watched

#: Seconds that one Sentinel has to answer before the next one is asked.
ANSWERS = 2.0
#: Seconds after which Sentinels are asked again whether the server that is in use is the master.
LOOKS_AGAIN = 1.0
#: The same where none of them could say.
LOOKS_LATER = 10.0

Address = tuple[str, int]


class Sentinels:
    """Those that watch one service; safe to be shared among threads."""

    def __init__(self, service: Watched, clock: Callable[[], float] = time.monotonic) -> None:
        self.service, self._clock, self._lock = service, clock, threading.Lock()
        self._known: Address | None = None
        self._look_at = clock()
        self._clients = [
            Redis.from_url(
                url,
                # Whoever asks tries again, with a patience of its own.
                retry=Retry(NoBackoff(), 0),
                socket_timeout=ANSWERS,
                socket_connect_timeout=ANSWERS,
                protocol=2,
            )
            for url in service.sentinels
        ]

    def client(self, **how: Any) -> Redis:
        """Make a client of the master; nothing is sent yet."""
        url = self.service.server("host", 1)
        said: dict[str, Any] = parse_url(url) | how  # type: ignore[no-untyped-call]
        kind = FollowingTLS if said.get("connection_class") is SSLConnection else Following
        pool = ConnectionPool(**said | {"connection_class": kind, "sentinels": self})
        return Redis.from_pool(pool)

    def master(self) -> Address:
        """Ask for the master's address.

        Raises
        ------
        AuthenticationError
            If no Sentinel tells it, and one refuses the login.
        MasterNotFoundError
            If no Sentinel tells it otherwise.
        """
        with self._lock:
            self._look_at = self._clock() + LOOKS_LATER
            self._known = self._ask()
            self._look_at = self._clock() + LOOKS_AGAIN
            return self._known

    def latest(self) -> Address | None:
        """Return the master's address as it was told a moment ago, or is told now."""
        if self._clock() >= self._look_at:
            with suppress(RedisError):
                return self.master()
        return self._known

    def _ask(self) -> Address:
        said: list[str] = []
        kind: type[RedisError] = MasterNotFoundError
        for sentinel in self._clients:
            at = sentinel.connection_pool.connection_kwargs
            name = f"Sentinel {at['host']}:{at['port']}"
            try:
                known: Any = sentinel.sentinel_masters()
            except RedisError as error:
                said.append(f"{name}: {error}")
                kind = AuthenticationError if isinstance(error, AuthenticationError) else kind
            else:
                state = known.get(self.service.service)
                if state and state["is_master"] and not (state["is_sdown"] or state["is_odown"]):
                    # The next time this one is asked first.
                    self._clients = sorted(self._clients, key=lambda c: c is not sentinel)
                    return state["ip"], state["port"]
                of = repr(self.service.service)
                said.append(f"{name} {f'takes {of} for down' if state else f'watches no {of}'}")
        raise kind("; ".join(said))


class Following(Connection):
    """A connection to the master of a service, which goes over to the next one."""

    def __init__(self, *, sentinels: Sentinels, **how: Any) -> None:
        super().__init__(**how)  # type: ignore[no-untyped-call]
        self._sentinels = sentinels

    def _connect(self) -> socket.socket:
        self.host, self.port = self._sentinels.master()
        connected: socket.socket = super()._connect()  # type: ignore[no-untyped-call]
        return connected

    def check_health(self) -> None:
        """Go over to another server, if the Sentinels say so, before a command is sent."""
        if self._sentinels.latest() not in (None, (self.host, self.port)):
            self.disconnect()  # type: ignore[no-untyped-call]
            self.connect_check_health(check_health=False)
        super().check_health()  # type: ignore[no-untyped-call]


class FollowingTLS(Following, SSLConnection):
    """The same, by TLS."""
