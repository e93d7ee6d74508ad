"""Options that several commands share."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from fedredis import logs
from fedredis.arguments import Argument, arguments_of, unsaid
from fedredis.cli.wording import as_options, option_of
from fedredis.data.reading import Reading
from fedredis.errors import UsageError
from fedredis.redis_url import with_password

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
        except (ValueError, RecursionError) as error:
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


class Made(click.Option):
    """An option made from a field; what that is if nothing is said is shown, not passed on."""

    shown = ""

    def get_help_extra(self, ctx: click.Context) -> Any:
        """Return what stands in brackets after the help."""
        return super().get_help_extra(ctx) | ({"default": self.shown} if self.shown else {})


def made_of(cls: type, *names: str) -> Callable[[Function], Function]:
    """Add the options that are made of a dataclass's arguments, or of some of them."""
    kinds = {field.name: str(field.type) for field in fields(cls)}
    known, defaults = arguments_of(cls), unsaid(cls)

    def add(function: Function) -> Function:
        for name in reversed(names or tuple(known)):
            default = defaults.get(name, MISSING)
            function = _made(name, known[name], kinds[name], default)(function)
        return function

    return add


def _made(name: str, told: Argument, kind: str, default: Any) -> Callable[[Function], Function]:
    """Make an option of an argument."""
    how: dict[str, Any] = {"help": as_options(told.help), "metavar": told.metavar or None}
    how["required"] = default is MISSING
    bare, called = kind.removesuffix(" | None"), told.called or name
    if bare == "bool":
        how |= {"is_flag": True, "default": None}
        how["callback"] = lambda _ctx, _param, value: not default if value else None
    elif told.choices:
        how["type"] = click.Choice(told.choices)
    elif bare in ("int", "float"):
        of: Any = click.IntRange if bare == "int" and told.scale == 1 else click.FloatRange
        ends = [
            None
            if end is None
            else end // told.scale
            if not end % told.scale
            else end / told.scale
            for end in (told.least, told.most)
        ]
        how["type"] = of(*ends, min_open=told.above, max_open=told.below)
    elif bare == "Mapping[str, str]":
        how["multiple"] = True
        how["callback"] = lambda _ctx, _param, given: pairs(called, told.metavar, given)
    elif bare == "Sequence[str]":
        how["callback"] = lambda _ctx, _param, text: split(text) if text else None
    elif bare == "Sequence[float]":
        how["callback"] = lambda _ctx, _param, text: _numbers(called, text) if text else None
    if told.scale > 1:
        how["callback"] = partial(_scaled, told.scale)
    decorate = click.option(option_of(called), name, cls=Made, **how)

    def add(function: Function) -> Function:
        decorated = decorate(function)
        if told.shows and bare != "bool" and isinstance(default, int | float | str | tuple):
            shown = default
            if told.scale > 1 and isinstance(default, int | float):
                shown = default / told.scale
            elif isinstance(default, tuple):
                shown = ",".join(map(str, default))
            decorated.__click_params__[-1].shown = str(shown)  # type: ignore[attr-defined]
        return decorated

    return add


def _scaled(
    scale: int, ctx: click.Context, param: click.Parameter, value: float | None
) -> int | None:
    """Turn seconds into milliseconds; not a number lies in every range."""
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is no time", ctx, param)
    return None if value is None else round(value * scale)


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


def _logged(_ctx: click.Context, _param: click.Parameter, value: str) -> None:
    """Log as asked, from here on."""
    if value == "json":
        logs.start()


log_format = click.option(
    "--log-format",
    type=click.Choice(logs.FORMATS),
    default=logs.FORMATS[0],
    envvar=logs.VARIABLE,
    show_default=True,
    # Before other options are looked at, whose faults are told, too.
    is_eager=True,
    expose_value=False,
    callback=_logged,
    help="How to tell what goes on, on standard error: as text, or as JSON, an object a line.",
)


def redis(function: Function) -> Function:
    """Add the options that say which Redis to use."""
    return redis_url(home(function))


def reading(function: Function) -> Function:
    """Add the options that say how to read a file."""
    return made_of(Reading)(function)


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


def pairs(option: str, form: str, given: Iterable[str]) -> dict[str, str] | None:
    """Read ``name=value`` pairs of an option, whose `form` says what they are.

    Raises
    ------
    UsageError
        If one is none, or a name is set twice.
    """
    found: dict[str, str] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise UsageError(f"{pair}: give {form}", field=option)
        if name in found:
            raise UsageError(f"{name}: it is set twice", field=option)
        found[name] = value
    return found or None


def _numbers(option: str, text: str) -> list[float]:
    try:
        return [float(one) for one in text.split(",")]
    except ValueError:
        raise UsageError(f"'{text}' is no list of numbers", field=option) from None
