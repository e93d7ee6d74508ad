"""``fedredis doctor``: check that everything needed is there."""

from __future__ import annotations

import os
import sys
from collections import Counter
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import click
from redis.exceptions import RedisError
from rich.text import Text

from fedredis.api.session import Session, session
from fedredis.cli import options, output
from fedredis.embedded import find_binary
from fedredis.errors import FedredisError
from fedredis.store import workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PACKAGES = ("fedredis", "redis", "rq", "numpy", "pandas")
#: The oldest server whose commands and scripts are known to do.
OLDEST_SERVER = (7, 0)


class Problem(FedredisError):  # noqa: N818
    """Something is not as it should be."""


@click.command(name="doctor")
@options.redis
def command(redis_url: str | None, home: Path) -> None:
    """Check that everything needed is there.

    Where it is not, the line says what to do.
    """
    results, problems = output.results(), 0
    for name, check in _checks(redis_url, home):
        try:
            verdict, told = Text("ok", "green"), check()
        except (FedredisError, RedisError, OSError) as error:
            problems += 1
            verdict, told = Text("no", "red"), str(error)
        results.print(Text.assemble(verdict, f"  {name:<15}  {told}"), soft_wrap=True)
    if problems:
        raise FedredisError(f"{problems} problem{'s' * (problems > 1)} found")


def _checks(redis_url: str | None, home: Path) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "Python", lambda: sys.version.split()[0]
    yield "packages", lambda: ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    yield "cores", lambda: str(os.cpu_count())
    if not redis_url:
        yield "server program", lambda: str(find_binary())
    for name, look in (
        ("Redis", _version),
        ("persistence", _persistence),
        ("memory", _memory),
        ("workers", _workers),
    ):
        yield name, lambda look=look: _with_redis(redis_url, home, look)  # type: ignore[misc]


def _with_redis(redis_url: str | None, home: Path, look: Callable[[Session], str]) -> str:
    with session(redis_url, home) as opened:
        return look(opened)


def _info(opened: Session) -> dict[str, Any]:
    info: Any = opened.client.info()
    return dict(info)


def _version(opened: Session) -> str:
    info = _info(opened)
    found = info.get("valkey_version") or info["redis_version"]
    name = "Valkey" if "valkey_version" in info else "Redis"
    if tuple(int(part) for part in found.split(".")[:2]) < OLDEST_SERVER:
        raise Problem(f"{name} {found} is too old: 7.0 or newer is needed")
    return f"{name} {found} at {opened.shown_url}"


def _persistence(opened: Session) -> str:
    info = _info(opened)
    if not info.get("aof_enabled"):
        raise Problem("no append-only file: a restart loses runs; set `appendonly yes`")
    if info.get("aof_last_write_status") != "ok":
        raise Problem("the server can't write its append-only file: look at its disk")
    return "append-only file"


def _memory(opened: Session) -> str:
    info = _info(opened)
    policy = info.get("maxmemory_policy", "noeviction")
    if int(info.get("maxmemory", 0)) and policy != "noeviction":
        raise Problem(f"maxmemory-policy {policy} drops keys; set `noeviction`")
    return f"{info['used_memory_human']} used, {policy}"


def _workers(opened: Session) -> str:
    counts = Counter(card.dataset for card in workers.present(opened.client))
    listed = ", ".join(f"{count} for {dataset}" for dataset, count in sorted(counts.items()))
    return listed or "none waiting; `fedredis run` without a Redis URL starts its own"
