"""URLs of Redis: which are understood, what is shown of them, and commands that reach the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from redis import SSLConnection

from fedredis.errors import UsageError
from fedredis.printable import shell_word

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")
#: What ends the scheme of a URL that names Sentinels, and the port that these listen on.
WATCHED, SENTINEL_PORT = "+sentinel", 26379
#: What a URL may say after its question mark; the others would change what fedredis relies on.
OPTIONS = ("db", "username", "password")
#: Those of Sentinels, for their own login.
SENTINEL_OPTIONS = ("sentinel_username", "sentinel_password")
#: Those of ``rediss://``, by redis-py's own names.
TLS_OPTIONS = tuple(n for n in signature(SSLConnection).parameters if n.startswith("ssl_"))
#: Those that name a file, and redis-cli's names for them.
TLS_FILES = {"ssl_ca_certs": "--cacert", "ssl_certfile": "--cert", "ssl_keyfile": "--key"}

#: Environment variables that hold a password for URLs without one, or name a file that does: a
#: command line can be read by everybody on the machine.
PASSWORD, PASSWORD_FILE = "REDIS_PASSWORD", "REDIS_PASSWORD_FILE"
#: The same for the Sentinels' own password; its file is named as above.
SENTINEL_PASSWORD = "REDIS_SENTINEL_PASSWORD"  # noqa: S105


@dataclass(frozen=True)
class Watched:
    """What a URL says that names Sentinels, and a service that they watch.

    It is written ``redis+sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/SERVICE/DB``, with the login
    of the service's servers; rq-dashboard reads the same.
    """

    #: A URL for each Sentinel.
    sentinels: tuple[str, ...]
    service: str
    #: What stands before and after the place in the URL of a server.
    before: str
    after: str

    def server(self, host: str, port: int) -> str:
        """Return the URL of a server of the service."""
        place = f"[{host}]" if ":" in host else host
        return f"{self.before}{place}:{port}{self.after}"


def watched(url: str) -> Watched | None:
    """Take a URL apart that names Sentinels; None for one that names a server."""
    scheme, _, rest = url.partition("://")
    if not scheme.endswith(WATCHED):
        return None
    plain = scheme.removesuffix(WATCHED)
    place, *tail = re.split("(?=[/?#])", rest, maxsplit=1)
    path, _, query = "".join(tail).partition("?")
    login, at, hosts = place.rpartition("@")
    _, service, db, *_ = (*path.split("/", 2), "", "")
    options = query.split("&") if query else []
    own = [o.removeprefix("sentinel_") for o in options if o.startswith("sentinel_")]
    own += [o for o in options if o.startswith("ssl_")]
    others = "&".join(o for o in options if not o.startswith("sentinel_"))
    ports = [h if re.search(r":[^]:]*$", h) else f"{h}:{SENTINEL_PORT}" for h in hosts.split(",")]
    return Watched(
        tuple(f"{plain}://{host}{'?' * bool(own)}{'&'.join(own)}" for host in ports),
        service,
        f"{plain}://{login}{at}",
        f"/{db}{others and '?'}{others}",
    )


def check_url(url: str) -> None:
    """See that a URL says nothing that would be ignored, or change how fedredis uses Redis.

    Raises
    ------
    ValueError
        If it does, with what is wrong and nothing of a password.
    """
    scheme, sign, rest = url.partition("://")
    if not sign or scheme not in SCHEMES:
        if "cluster" in scheme:
            raise ValueError("fedredis takes no cluster: give the URL of a single server")
        raise ValueError(f"it must start with {', '.join(s + '://' for s in SCHEMES)}")
    found = watched(url)
    if found and not (re.fullmatch(r"[\w.-]+", found.service) and re.match("[^/?#,]", rest)):
        raise ValueError(f"write it as {scheme}://HOST:PORT,HOST:PORT/SERVICE/DB")
    for one in (*found.sentinels, found.server("host", 1)) if found else (url,):
        _check_server(one, SENTINEL_OPTIONS if found else ())


def _check_server(url: str, more_options: tuple[str, ...]) -> None:
    try:
        parts = urlsplit(url)
        # Only looking at a port reads it.
        bad = parts.port == 0 or parts.fragment or "@" in parts.path + parts.query
        bad = bad or (parts.scheme == "unix" and not parts.path)
    except ValueError:
        bad = True
    if bad:
        raise ValueError(
            "write it as SCHEME://USER:PASSWORD@HOST:PORT/DB, or unix:///PATH, and in a password "
            "%23 for #, %2F for /, %3A for :, %3F for ?, %40 for @"
        )
    given = parse_qsl(parts.query, keep_blank_values=True)
    known = OPTIONS + (TLS_OPTIONS if parts.scheme == "rediss" else ())
    for name, value in given:
        if name not in known:
            tls = " (which is for rediss://)" if name in TLS_OPTIONS else ""
            there = ", ".join(known + more_options)
            raise ValueError(f"it has the option '{name}'{tls}; there are {there}")
        if not value or [n for n, _ in given].count(name) > 1:
            raise ValueError(f"its option '{name}' needs one value")
        if name in TLS_FILES and not Path(value).is_file():
            raise ValueError(f"its option '{name}' names a file, and there is no {value}")
    path = "" if parts.scheme == "unix" else parts.path.strip("/")
    for number in (path, dict(given).get("db", "")):
        if number and not re.fullmatch("[0-9]{1,9}", number):
            raise ValueError("its database, which follows the host and a /, must be a number")


def masked(url: str) -> str:
    """Return the URL without its password, to be shown."""
    # By patterns, since it has to work for a URL that can't be parsed too.
    url = re.sub(r"(?<=://)([^:/?#@]*):.*@", r"\1:***@", url)
    return re.sub(r"([?&](?:ssl_|sentinel_)?password=)[^&#]*", r"\1***", url)


def with_password(url: str, environ: Mapping[str, str]) -> str:
    """Add the passwords that the environment holds, or names the files of, if the URL has none.

    Raises
    ------
    UsageError
        If a file can't be read.
    """
    try:
        user, secret = _login(url)
    except ValueError:
        return url  # not to be used at all, which `check_url` says
    if "://" not in url:
        return url
    if not secret and (held := _held_as(PASSWORD, environ)):
        url = _compose(url, f"{user}:{quote(held, safe='')}@")
    asked = watched(url) and "sentinel_password=" not in url
    if asked and (held := _held_as(SENTINEL_PASSWORD, environ)):
        url += f"{'&' if '?' in url else '?'}sentinel_password={quote(held, safe='')}"
    return url


def _held_as(name: str, environ: Mapping[str, str]) -> str:
    """Return the secret that an environment variable holds, or a file that another one names."""
    if environ.get(name) or not (file := environ.get(f"{name}_FILE")):
        return environ.get(name, "")
    try:
        return Path(file).read_text().strip()
    except (OSError, ValueError) as error:
        raise UsageError(f"{name}_FILE can't be read: {error}") from error


def without_password(url: str) -> str:
    """Return the URL as it is to be given beside passwords in the environment."""
    user = urlsplit(url).netloc.rpartition("@")[0].partition(":")[0]
    bare, _, query = _compose(url, user and f"{user}@").partition("?")
    query = "&".join(o for o in query.split("&") if not re.match(r"(\w+_)?password=", o))
    return bare + (query and f"?{query}")


def _login(url: str) -> tuple[str, str | None]:
    """Return the user and the password of a URL as they are written, or None."""
    parts = urlsplit(url)
    user, _, secret = parts.netloc.rpartition("@")[0].partition(":")
    return user, secret or dict(parse_qsl(parts.query)).get("password")


def _compose(url: str, login: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{login}{host}{parts.path}{parts.query and '?' + parts.query}"


def _held(url: str, environ: Mapping[str, str]) -> bool:
    """Say whether the environment holds all that is secret in a URL."""
    return with_password(without_password(url), environ) == url


def redis_cli(url: str, environ: Mapping[str, str]) -> str:
    """Make a shell command that opens the same Redis, and shows no password."""
    parts, (user, secret) = urlsplit(url), _login(url)
    options = dict(parse_qsl(parts.query))
    local = parts.scheme == "unix"
    told = {
        "-s": unquote(parts.path) if local else None,
        "-h": None if local else parts.hostname or "localhost",
        "-p": None if local else str(parts.port or 6379),
        "-n": options.get("db") or (not local and parts.path.strip("/").lstrip("0")),
        "--user": unquote(user) or options.get("username"),
        **{option: options.get(name) for name, option in TLS_FILES.items()},
    }
    words = ["redis-cli", *(word for pair in told.items() if pair[1] for word in pair)]
    words += ["--tls"] * (parts.scheme == "rediss")
    words += ["--insecure"] * (options.get("ssl_cert_reqs") == "none")
    if secret and not _held(url, environ):
        words += ["--askpass"]
    line = " ".join(shell_word(str(word)) for word in words)
    if not secret or not _held(url, environ):
        return line
    if environ.get(PASSWORD):
        return f'REDISCLI_AUTH="${PASSWORD}" {line}'
    return f'REDISCLI_AUTH="$(cat {shell_word(environ[PASSWORD_FILE])})" {line}'


def fedredis_command(command: str, url: str, environ: Mapping[str, str]) -> str:
    """Add to a ``fedredis`` command what leads it to the same Redis, and shows no password."""
    if url == with_password(environ.get("REDIS_URL", ""), environ):
        return command
    line = f"{command} --redis-url {shell_word(without_password(url))}"
    if _held(url, environ):
        return line
    # Where a password was on the command line: read it, and show nothing of it.
    names = [PASSWORD] if _login(url)[1] else []
    names += [SENTINEL_PASSWORD] if "sentinel_password=" in url else []
    return "".join(f"read -rs {name}; export {name}; " for name in names) + line
