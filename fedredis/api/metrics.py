"""Serving figures for Prometheus: who may have them, and where."""

from __future__ import annotations

import hmac
import ipaddress
import socket
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from fedredis.errors import FedredisError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIEnvironment

    from prometheus_client import CollectorRegistry
    from redis import Redis

#: Letters that a token has at least.
SHORTEST = 16


class Exporter:
    """A small server of figures, as a WSGI application."""

    def __init__(self, registry: CollectorRegistry, token: str) -> None:
        """`token` is what a scrape has to bring as its bearer token; empty if nothing."""
        from prometheus_client import make_wsgi_app

        self._registry, self._token = registry, token
        self._figures = make_wsgi_app(registry)

    def text(self) -> str:
        """Write all figures out."""
        from prometheus_client import generate_latest

        return generate_latest(self._registry).decode()

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        brought = environ.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace")
        if self._token and not hmac.compare_digest(brought, f"Bearer {self._token}".encode()):
            start("401 Unauthorized", [("WWW-Authenticate", "Bearer")])
            return [b"a bearer token is needed\n"]
        if environ.get("PATH_INFO") != "/metrics":
            start("404 Not Found", [])
            return [b"figures are at /metrics\n"]
        answer: Iterable[bytes] = self._figures(environ, start)
        return answer

    @contextmanager
    def listening(self, host: str, port: int) -> Iterator[tuple[str, WSGIServer]]:
        """Listen at an address; lend it as a URL, and what answers there.

        Raises
        ------
        UsageError
            If it is not this machine's own, and no token is asked for.
        FedredisError
            If it can't be listened at.
        """
        if not self._token and not is_own(host):
            raise UsageError(
                f"{host} can be reached from elsewhere: ask for a token with `token_file`",
                field="host",
            )
        try:
            server = _Server6 if ":" in host else _Server
            listening = make_server(host, port, self, server, _Quiet)
        except OSError as error:
            raise FedredisError(f"can't listen at {host}:{port}: {error.strerror}") from error
        with listening:
            shown = f"[{host}]" if ":" in host else host
            yield f"http://{shown}:{listening.server_port}", listening


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log no request."""


def exporter(client: Redis, token_file: Path | None = None) -> Exporter:
    """Make a server of the figures that are in a Redis.

    Raises
    ------
    UsageError
        If the extra ``metrics`` is not there, or the file has no token.
    """
    try:
        from fedredis.api.prometheus import registry
    except ImportError:
        raise UsageError(
            "figures for Prometheus need prometheus-client: pip install 'fedredis[metrics]'"
        ) from None
    token = token_file.read_text(encoding="utf-8").strip() if token_file else ""
    if token_file and (len(token) < SHORTEST or not token.isascii() or len(token.split()) != 1):
        raise UsageError(
            f"{token_file} holds no token: one word of at least {SHORTEST} letters",
            field="token_file",
        )
    return Exporter(registry(client), token)


def is_own(host: str) -> bool:
    """Say whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
