"""The way to a Redis, step by step: each step that fails says what mends it.

What comes after a step that fails would only say the same once more, so nothing does.
"""

from __future__ import annotations

import errno
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    InvalidResponse,
    NoPermissionError,
    RedisError,
    ResponseError,
)
from redis.retry import Retry

from fedredis.connection import FAILOVER_PATIENCE, asks_for_password, connect
from fedredis.errors import FedredisError
from fedredis.redis_url import PASSWORD, SENTINEL_PASSWORD, masked, watched
from fedredis.sentinel import Sentinels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fedredis.redis_url import Watched

#: Seconds that a host has to answer.
ANSWERS = 5.0
#: Seconds in which it objects to a connection, or to a handshake that has seemed to succeed.
OBJECTS = 0.5
#: What OpenSSL says of a certificate, by number, and what mends it.
CERTIFICATES = {
    10: "its certificate has expired: renew it",
    18: "it has signed its certificate itself: name that file in the URL, ?ssl_ca_certs=FILE",
    62: "its certificate is for other names: write one of them in the URL",
    64: "its certificate is for other addresses: write one of them, or its name, in the URL",
}
UNKNOWN_AUTHORITY = (
    "nobody that this machine trusts has signed its certificate: name its authority's file in the "
    "URL, ?ssl_ca_certs=FILE"
)


class Problem(FedredisError):  # noqa: N818
    """Something is not as it should be; the message says what mends it."""


@dataclass(frozen=True)
class Step:
    """A name, and what finds out: it returns what there is to say, or raises a `Problem`."""

    name: str
    find: Callable[[], str]


def steps(url: str) -> Iterator[Step]:
    """List what has to go well until a server takes commands."""
    connect(url).close()  # whether it can be used at all
    service = watched(url)
    if not service:
        yield from _to_server(url, PASSWORD)
        return
    for sentinel in service.sentinels:
        yield Step("Sentinel", partial(_sentinel, sentinel, service))
    found: list[str] = []

    def master() -> str:
        try:
            host, port = Sentinels(service).master()
        except RedisError as error:
            raise Problem(f"no Sentinel tells the master of {service.service}: {error}") from error
        found.append(service.server(host, port))
        return f"of {service.service} is {host}:{port}"

    yield Step("master", master)
    yield from _to_server(found[0], PASSWORD)


def _to_server(url: str, variable: str) -> Iterator[Step]:
    """List the steps to one server, or to one Sentinel."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        yield Step("socket", partial(_socket, unquote(parts.path)))
    else:
        host, port = parts.hostname or "localhost", parts.port or 6379
        yield Step("address", partial(_address, host))
        yield Step("port", partial(_port, host, port))
        if parts.scheme == "rediss":
            yield Step("TLS", partial(_tls, url, host, port))
    yield Step("login", partial(_login, url, variable))


def _address(host: str) -> str:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Problem(
            f"{host} is not known here ({error.strerror}): see how it is spelt, and what "
            f"`getent hosts {host}` says; a line in /etc/hosts mends it for this machine"
        ) from error
    return f"{host} is {', '.join(dict.fromkeys(str(place[0]) for *_, place in found))}"


def _port(host: str, port: int) -> str:
    try:
        with socket.create_connection((host, port), ANSWERS) as one:
            _objection(one)
    except ConnectionRefusedError as error:
        raise Problem(
            f"nothing listens at {host}:{port}: start the server, and let it listen where this "
            "machine reaches it (`bind` and `port` in its settings)"
        ) from error
    except OSError as error:
        why = "no answer" if isinstance(error, TimeoutError) else error.strerror
        raise Problem(
            f"{host}:{port} is not reached ({why}): see that a route leads there, and that no "
            "firewall or security group is between"
        ) from error
    return f"{host}:{port} is open"


def _objection(one: socket.socket) -> None:
    """Hear what a server says that hangs up before anything is asked."""
    one.settimeout(OBJECTS)
    with suppress(TimeoutError):
        said = one.recv(200).decode(errors="replace")
        if "protected mode" in said:
            raise Problem("it is in protected mode: give it a password, by `requirepass` or users")
        if "max number of clients" in said:
            raise Problem("as many clients as it takes are there: raise its `maxclients`")


def _socket(path: str) -> str:
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(ANSWERS)
            one.connect(path)
            _objection(one)
    except OSError as error:
        mends = {
            errno.ENOENT: "start the server, with `unixsocket` set to that path",
            errno.EACCES: "let this user in, by `unixsocketperm` and the folder's rights",
            errno.ECONNREFUSED: "the server that made it is gone, start it again",
        }
        mend = mends.get(error.errno or 0, "see what lies there")
        raise Problem(f"{path}: {error.strerror}: {mend}") from error
    return f"{path} is open"


def _single(url: str) -> Redis:
    """Make a client that tries once."""
    tries = Retry(NoBackoff(), 0)
    return Redis.from_url(url, retry=tries, socket_timeout=ANSWERS, protocol=2)


def _tls(url: str, host: str, port: int) -> str:
    said = dict(parse_qsl(urlsplit(url).query))
    context = ssl.create_default_context(cafile=said.get("ssl_ca_certs"))
    if unchecked := said.get("ssl_cert_reqs") == "none":
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if own := said.get("ssl_certfile"):
        context.load_cert_chain(own, said.get("ssl_keyfile"), said.get("ssl_password"))
    try:
        with (
            socket.create_connection((host, port), ANSWERS) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
            suppress(TimeoutError),
        ):
            # Nothing is said unless something is wrong, such as a certificate that is wanted.
            secured.settimeout(OBJECTS)
            secured.recv(1)
    except OSError as error:
        raise Problem(_why_no_tls(error)) from error
    return "its certificate is not checked" if unchecked else "its certificate holds"


def _hangs_up(error: RedisError) -> bool:
    return "closed by server" in str(error) or "reset by peer" in str(error)


def _why_no_tls(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return CERTIFICATES.get(error.verify_code, UNKNOWN_AUTHORITY)
    if "certificate required" in str(error).lower().replace("_", " "):
        return "it asks for a certificate: ?ssl_certfile=FILE&ssl_keyfile=FILE in the URL"
    return (
        f"it speaks no TLS ({error}): write redis:// in the URL, or let the server listen by "
        "`tls-port`"
    )


def _login(url: str, variable: str) -> str:
    shown = masked(url)
    with _single(url) as client:
        try:
            client.execute_command("HELLO")
        except NoPermissionError:
            pass
        except AuthenticationError as error:
            raise Problem(_why_no_login(error, variable)) from error
        except RedisError as error:
            if isinstance(error, InvalidResponse):
                why = "what listens there is no Redis: see the port"
            elif _hangs_up(error) and shown.startswith("redis:"):
                why = "it hangs up: if it speaks TLS there, the URL begins with rediss://"
            else:
                why = f"{error}: look into its log"
            raise Problem(f"{shown}: {why}") from error
    user = urlsplit(url).username
    return f"as {user}" if user else "as the default user"


def _why_no_login(error: RedisError, variable: str) -> str:
    said = str(error)
    if asks_for_password(error):
        return (
            f"it asks for a password: put it in {variable}, or its file's name in {variable}_FILE"
        )
    if "without any password configured" in said:
        return f"it has no password, and one was given: take it out of the URL and {variable}"
    return (
        f"it refuses this login ({said}): see the user in the URL and the password in {variable}; "
        "`ACL LIST` at the server shows whom it knows"
    )


def _sentinel(url: str, service: Watched) -> str:
    """Go all steps to a Sentinel, and see what it knows and how soon it acts."""
    for step in _to_server(url, SENTINEL_PASSWORD):
        step.find()
    where, name = masked(url).partition("://")[2].partition("?")[0], service.service
    with _single(url) as client:
        try:
            state: Any = client.sentinel_master(name)
        except ResponseError as error:
            raise Problem(
                f"{where} watches no {name!r} ({error}): `SENTINEL MASTERS` there lists what it "
                "does, if it is a Sentinel"
            ) from error
    others, replicas = state["num-other-sentinels"], state["num-slaves"]
    if others + 1 < state["quorum"] or not others:
        raise Problem(f"{where} knows {others} others, of which too few can agree: start them")
    if not replicas:
        raise Problem(f"{where} knows no replica of {name}: start one, by `replicaof`")
    if (after := state["down-after-milliseconds"]) > 1000 * FAILOVER_PATIENCE / 4:
        raise Problem(
            f"{where} waits {after / 1000:g} s before it acts, a quarter of which fedredis bears: "
            f"SENTINEL SET {name} down-after-milliseconds 5000"
        )
    return f"{where} knows {replicas} replica{'s' * (replicas > 1)} and {others} other Sentinels"
