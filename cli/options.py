"""Options that several commands share."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from fedredis.config import LONGEST_MS, RunConfig
from fedredis.data.cuts.spec import FORMS, Cut
from fedredis.data.reading import MISSING, TASKS
from fedredis.errors import UsageError
from fedredis.redis_url import with_password
from fedredis.schedules import SCHEDULES

#: What stands in quotes, a quote in it being two; and what stands between two commas.
QUOTED = re.compile(r'"((?:[^"]|"")*)"')
ITEM = re.compile(r'(?:"(?:[^"]|"")*"|[^",])*')

Function = TypeVar("Function", bound=Callable[..., Any])


def split(text: str) -> list[str]:
    """Split text at its commas, but for those in quotes, which are taken away as in CSV.

    Raises
    ------
    UsageError
        If a quote is never closed.
    """
    items, start = [], 0
    while start <= len(text):
        end = start + len(ITEM.match(text, start)[0])  # type: ignore[index]
        if text[end : end + 1] not in ("", ","):
            raise UsageError(f"{text}: a quote is opened and never closed")
        bare = QUOTED.sub(lambda found: found[1].replace('""', '"'), text[start:end])
        items.append(bare.strip())
        start = end + 1
    return items


def values_of(text: str) -> dict[str, Any]:
    """Read cells, written ``a=1,b="x, y"`` or as a JSON object.

    Raises
    ------
    UsageError
        If they are written in another way.
    """
    if text.lstrip().startswith("{"):
        try:
            return dict(json.loads(text))
        except ValueError as error:
            raise UsageError(f"`values`: not JSON: {error}") from None
    given: dict[str, Any] = {}
    for pair in split(text):
        name, sign, value = pair.partition("=")
        if not sign:
            raise UsageError(f"`values`: '{pair}' is not COLUMN=VALUE")
        if name.strip() in given:
            raise UsageError(f"`values` must name every column once; twice: {name.strip()}")
        given[name.strip()] = value
    return given


class Seconds(click.FloatRange):
    """A time to wait, which has an end."""

    def __init__(self, least: float) -> None:
        super().__init__(min=least, max=LONGEST_MS / 1000)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it; NaN lies in every range."""
        seconds = super().convert(value, param, ctx)
        return self.fail("nan is no time", param, ctx) if seconds != seconds else seconds


redis_url = click.option(
    "--redis-url",
    envvar="REDIS_URL",
    metavar="URL",
    callback=lambda _ctx, _param, value: with_password(value or "", os.environ) or None,
    help="Redis to use (or REDIS_URL); without one, the embedded server of --home. Its password "
    "can stand in REDIS_PASSWORD, or in a file that REDIS_PASSWORD_FILE names.",
)
home = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".fedredis"),
    show_default=True,
    help="Folder of the embedded server and of the partitions that are cut.",
)
force = click.option("--force", is_flag=True, help="Replace a file that is there already.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else.")
data = click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True),
    help="A CSV or Parquet file, a folder of songs by decade, or a partition folder.",
)
songs = click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True),
    help="A CSV or Parquet file, or a folder of songs by decade; the run's own, if not given.",
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


names = click.option(
    "--names",
    metavar="A,B,…",
    callback=lambda _ctx, _param, value: split(value) if value else None,
    help="The slaves, where they bring their own files.",
)
dataset = click.option(
    "--dataset",
    metavar="NAME",
    help="The data of the slaves that are waited for, if there are slaves of several.",
)


def redis(function: Function) -> Function:
    """Add the options that say which Redis to use."""
    return redis_url(home(function))


quorum = click.option(
    "--quorum",
    metavar="COUNT|SHARE",
    help="Updates that make a round valid at its deadline: a number, or a share such as 0.8; "
    "all, if not given.",
)
round_timeout = click.option(
    "--round-timeout",
    type=Seconds(0.1),
    default=RunConfig.round_timeout_ms / 1000,
    show_default=True,
    metavar="SECONDS",
    help="A round's deadline.",
)
wait_timeout = click.option(
    "--wait-timeout",
    type=Seconds(0),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for slaves to come.",
)
lease = click.option(
    "--lease",
    type=Seconds(0.1),
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
strategy = click.option(
    "--strategy",
    metavar="NAME",
    help="How slaves' work becomes one model; `fedredis strategies` lists them. fedavg, or "
    "newton where labels are numbers.",
)
strategy_options = click.option(
    "--set",
    "options",
    multiple=True,
    metavar="OPTION=VALUE",
    callback=lambda _ctx, _param, pairs: _options(pairs),
    help="An option of the strategy; may be repeated.",
)
model = click.option(
    "--model",
    metavar="NAME",
    help="What is trained: a model's name, or package.module:Class. logistic, or linear where "
    "labels are numbers.",
)
sample = click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="COUNT",
    help="How many slaves, drawn anew each round, train; all, if not given.",
)
fraction = click.option(
    "--fraction",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="SHARE",
    help="The same as a share of the slaves.",
)
schedule = click.option(
    "--schedule",
    type=click.Choice(list(SCHEDULES)),
    default=RunConfig.schedule,
    show_default=True,
    help="How the learning rate falls from round to round.",
)
patience = click.option(
    "--patience",
    type=click.IntRange(min=0),
    default=RunConfig.patience,
    show_default=True,
    metavar="ROUNDS",
    help="End after so many rounds without a better test, and keep the best one; 0 for never.",
)
workers = click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Worker processes to start.",
)


by = click.option(
    "--by",
    metavar="CUT",
    default=str(Cut()),
    show_default=True,
    callback=lambda _ctx, _param, value: Cut.parse(value),
    help=f"How rows are dealt to slaves: {', '.join(FORMS.values())}.",
)

#: What a run says of how to read its data.
OF_RUN = ("categories", "missing", "task")

#: How a file is read: a field of `Reading` each.
READING = {
    "label": click.option("--label", metavar="COLUMN", help="The column that holds the label."),
    "columns": click.option(
        "--columns",
        metavar="A,B,…",
        callback=lambda _ctx, _param, value: split(value) if value else None,
        help="The columns to learn from; a name with a comma stands in quotes.",
    ),
    "categories": click.option(
        "--categories",
        metavar="A,B,…",
        callback=lambda _ctx, _param, value: split(value) if value else (),
        help="Columns to learn from that hold categories, even if they look like numbers.",
    ),
    "missing": click.option(
        "--missing",
        type=click.Choice(MISSING),
        default=MISSING[0],
        show_default=True,
        help="A missing cell is an error, drops its row, or is filled with the mean over all "
        "slaves.",
    ),
    "task": click.option(
        "--task",
        type=click.Choice(TASKS),
        default=TASKS[0],
        show_default=True,
        help="Tell classes, or predict numbers; auto goes by what the labels look like.",
    ),
}


def reading(function: Function) -> Function:
    """Add the options that say how to read a file."""
    for option in reversed(READING.values()):
        function = option(function)
    return function


def looking_up(function: Function) -> Function:
    """Add those of them that a run does not say already."""
    for name, option in reversed(READING.items()):
        function = function if name in OF_RUN else option(function)
    return function


def _allowed(_ctx: click.Context, _param: click.Parameter, value: Iterable[str]) -> frozenset[str]:
    """Add the models that the environment allows."""
    # Imported here, since not every command needs what it imports.
    from fedredis.jobs.process import allowed_models

    return allowed_models(os.environ) | frozenset(value)


allow_models = click.option(
    "--allow-model",
    "allow_models",
    metavar="MODULE:CLASS",
    multiple=True,
    callback=_allowed,
    help="A model of your own that may be imported here; may be repeated, and FEDREDIS_MODELS "
    "allows some, too, separated by commas.",
)


def _options(pairs: Sequence[str]) -> dict[str, str]:
    """Read ``option=value`` pairs.

    Raises
    ------
    UsageError
        If one is none, or an option is set twice.
    """
    given: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise UsageError(f"--set {pair}: give OPTION=VALUE")
        if name in given:
            raise UsageError(f"--set {name}: it is set twice")
        given[name] = value
    return given
