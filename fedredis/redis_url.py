"""URLs of Redis: which are understood, what is shown of them, and commands that reach the same."""

from __future__ import annotations

import re
import shlex
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from redis import SSLConnection

from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMES = ("redis", "rediss", "unix")
#: What a URL may say after its question mark; the others would change what fedredis relies on.
OPTIONS = ("db", "username", "password")
#: Those of ``rediss://``, by redis-py's own names.
TLS_OPTIONS = tuple(n for n in signature(SSLConnection).parameters if n.startswith("ssl_"))
#: Those that name a file, and redis-cli's names for them.
TLS_FILES = {"ssl_ca_certs": "--cacert", "ssl_certfile": "--cert", "ssl_keyfile": "--key"}

#: Environment variables that hold a password for URLs without one, or name a file that does: a
#: command line can be read by everybody on the machine.
PASSWORD, PASSWORD_FILE = "REDIS_PASSWORD", "REDIS_PASSWORD_FILE"


def check_url(url: str) -> None:
    """See that a URL says nothing that would be ignored, or change how fedredis uses Redis.

    Raises
    ------
    ValueError
        If it does, with what is wrong and nothing of a password.
    """
    scheme = url.partition(":")[0]
    if scheme not in SCHEMES or not url.startswith(f"{scheme}://"):
        raise ValueError(f"it must start with {', '.join(s + '://' for s in SCHEMES)}")
    try:
        parts = urlsplit(url)
        # Only looking at a port reads it.
        bad = parts.port == 0 or parts.fragment or "@" in parts.path + parts.query
        bad = bad or (scheme == "unix" and not parts.path)
    except ValueError:
        bad = True
    if bad:
        raise ValueError(
            "write it as SCHEME://USER:PASSWORD@HOST:PORT/DB, or unix:///PATH, and in a password "
            "%23 for #, %2F for /, %3A for :, %3F for ?, %40 for @"
        )
    given = parse_qsl(parts.query, keep_blank_values=True)
    known = OPTIONS + (TLS_OPTIONS if scheme == "rediss" else ())
    for name, value in given:
        if name not in known:
            tls = " (which is for rediss://)" if name in TLS_OPTIONS else ""
            raise ValueError(f"it has the option '{name}'{tls}; there are {', '.join(known)}")
        if not value or [n for n, _ in given].count(name) > 1:
            raise ValueError(f"its option '{name}' needs one value")
        if name in TLS_FILES and not Path(value).is_file():
            raise ValueError(f"its option '{name}' names a file, and there is no {value}")
    path = "" if scheme == "unix" else parts.path.strip("/")
    for number in (path, dict(given).get("db", "")):
        if number and not re.fullmatch("[0-9]{1,9}", number):
            raise ValueError("its database, which follows the host and a /, must be a number")


def masked(url: str) -> str:
    """Return the URL without its password, to be shown."""
    # By patterns, since it has to work for a URL that can't be parsed too.
    url = re.sub(r"(?<=://)([^:/?#@]*):.*@", r"\1:***@", url)
    return re.sub(r"([?&](?:ssl_)?password=)[^&#]*", r"\1***", url)


def with_password(url: str, environ: Mapping[str, str]) -> str:
    """Add the password that the environment holds, or names the file of, if the URL has none.

    Raises
    ------
    UsageError
        If the file can't be read.
    """
    try:
        user, secret = _login(url)
    except ValueError:
        return url  # not to be used at all, which `check_url` says
    held = environ.get(PASSWORD, "")
    if not (secret or held) and (file := environ.get(PASSWORD_FILE)):
        try:
            held = Path(file).read_text().strip()
        except (OSError, ValueError) as error:
            raise UsageError(f"{PASSWORD_FILE} can't be read: {error}") from error
    if secret or not held or "://" not in url:
        return url
    return _compose(url, f"{user}:{quote(held, safe='')}@")


def without_password(url: str) -> str:
    """Return the URL as it is to be given beside a password in the environment."""
    user = urlsplit(url).netloc.rpartition("@")[0].partition(":")[0]
    return _compose(url, user and f"{user}@")


def _login(url: str) -> tuple[str, str | None]:
    """Return the user and the password of a URL as they are written, or None."""
    parts = urlsplit(url)
    user, _, secret = parts.netloc.rpartition("@")[0].partition(":")
    return user, secret or dict(parse_qsl(parts.query)).get("password")


def _compose(url: str, login: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    query = "&".join(o for o in parts.query.split("&") if not re.match("(ssl_)?password=", o))
    return f"{parts.scheme}://{login}{host}{parts.path}{query and '?' + query}"


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
    line = shlex.join(map(str, words))
    if not secret or not _held(url, environ):
        return line
    if environ.get(PASSWORD):
        return f'REDISCLI_AUTH="${PASSWORD}" {line}'
    return f'REDISCLI_AUTH="$(cat {shlex.quote(environ[PASSWORD_FILE])})" {line}'


def fedredis_command(command: str, url: str, environ: Mapping[str, str]) -> str:
    """Add to a ``fedredis`` command what leads it to the same Redis, and shows no password."""
    if url == with_password(environ.get("REDIS_URL", ""), environ):
        return command
    line = f"{command} --redis-url {shlex.quote(without_password(url))}"
    # Where the password was on the command line: read it, and show nothing of it.
    return line if _held(url, environ) else f"read -rs {PASSWORD}; export {PASSWORD}; {line}"
