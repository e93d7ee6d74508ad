"""Options that several commands share, and checks of their values."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from fedredis.config import RunConfig
from fedredis.errors import UsageError

Function = TypeVar("Function", bound=Callable[..., Any])

redis_url = click.option(
    "--redis-url",
    envvar="REDIS_URL",
    metavar="URL",
    help="Redis to use (or REDIS_URL); without one, the embedded server of --home.",
)
home = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".fedredis"),
    show_default=True,
    help="Folder of the embedded server and of the partitions that are cut.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else.")
data = click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True),
    help="A CSV file, a folder of songs by decade, or a partition folder.",
)
songs = click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True),
    help="A CSV file or a folder of songs by decade; the run's own, if not given.",
)
label = click.option("--label", metavar="COLUMN", help="The CSV column that holds the class.")
columns = click.option(
    "--columns",
    metavar="A,B,…",
    callback=lambda _ctx, _param, value: value.split(",") if value else None,
    help="The CSV columns to learn from.",
)
test_fraction = click.option(
    "--test-fraction",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.2,
    show_default=True,
    help="Share of each slave's rows that is held out.",
)
seed = click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Seed of everything random: same seed, same result.",
)


def redis(function: Function) -> Function:
    """Add the options that say which Redis to use."""
    return redis_url(home(function))


def table(function: Function) -> Function:
    """Add the options that say what rows to read."""
    return data(label(columns(function)))


quorum = click.option(
    "--quorum",
    metavar="COUNT|SHARE",
    help="Updates that make a round valid at its deadline: a number, or a share such as 0.8; "
    "all, if not given.",
)
round_timeout = click.option(
    "--round-timeout",
    type=click.FloatRange(min=0.1),
    default=RunConfig.round_timeout_ms / 1000,
    show_default=True,
    metavar="SECONDS",
    help="A round's deadline.",
)
wait_timeout = click.option(
    "--wait-timeout",
    type=click.FloatRange(min=0),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for slaves to come.",
)
lease = click.option(
    "--lease",
    type=click.FloatRange(min=0.1),
    default=RunConfig.lease_ms / 1000,
    show_default=True,
    metavar="SECONDS",
    help="How long the work of a worker or master that died stays reserved for it.",
)
attempts = click.option(
    "--attempts",
    type=click.IntRange(min=1),
    default=RunConfig.attempts,
    show_default=True,
    help="How often a slave may fail in a round.",
)
max_norm = click.option(
    "--max-norm",
    type=click.FloatRange(min=0, min_open=True),
    default=RunConfig.max_norm,
    show_default=True,
    help="Refuse an update whose parameters are further from the global ones than this.",
)
workers = click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Worker processes to start.",
)


def quorum_of(text: str | None, slaves: int) -> int:
    """Turn a count or a share of the slaves into a count; 0 for all.

    Raises
    ------
    UsageError
        If it is neither, or more than there are slaves.
    """
    if text is None:
        return 0
    try:
        count = math.ceil(float(text) * slaves) if "." in text else int(text)
    except (ValueError, OverflowError):
        count = 0
    if not 1 <= count <= slaves:
        raise UsageError(
            f"--quorum {text}: give a number from 1 to {slaves}, or a share such as 0.8"
        )
    return count
