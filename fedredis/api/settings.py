"""A run's settings: the fields of its config that a caller chooses, and the quorum."""

from __future__ import annotations

import math
import operator
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from fedredis import models, shares, strategies
from fedredis.config import LONGEST_MS, RunConfig
from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Fields that follow from the data, or have an argument of their own.
FROM_ELSEWHERE = frozenset(
    {
        *("dataset", "columns", "classes", "missing", "source", "label"),
        *("slaves", "rows", "names", "quorum"),
    }
)


def _options(given: Mapping[str, Any]) -> dict[str, str]:
    """Write a strategy's options as text, as a config holds them."""
    spelt = {True: "yes", False: "no"}
    return {
        str(name): spelt[value] if isinstance(value, bool) else str(value)
        for name, value in given.items()
    }


#: What makes a value of a field's type out of one that is like it, such as one of NumPy's.
CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "int": operator.index,
    "float": float,
    "Mapping[str, str]": _options,
}


def draft(settings: Mapping[str, Any], slaves: int) -> RunConfig:
    """Check the settings of a run whose data is not known yet, in a config without it.

    Raises
    ------
    UsageError
        If there is no such setting, or its value can't be used.
    """
    types = {f.name: str(f.type) for f in fields(RunConfig) if f.name not in FROM_ELSEWHERE}
    converted = {}
    for name, value in settings.items():
        if name not in types:
            raise UsageError(f"there is no setting {name!r}: choose from {', '.join(types)}")
        try:
            converted[name] = CONVERSIONS.get(types[name], lambda as_it_is: as_it_is)(value)
        except (AttributeError, TypeError, ValueError):
            raise UsageError(f"{name} must be of type {types[name]}, not {value!r}") from None
    config = RunConfig(dataset="", columns=(), classes=(), slaves=slaves, rows=1, **converted)
    # What the model is made for has to wait for the data; what else a config names need not.
    models.check_name(config.model)
    strategies.make(config.strategy, config.options)
    return config


def quorum_of(asked: str | float | None, slaves: int) -> int:
    """Turn a count or a share of the slaves into a count; 0 for all.

    Text is a share if it has a dot in it; of numbers, floats are shares.

    Raises
    ------
    UsageError
        If it is neither, or more than there are slaves.
    """
    if asked is None:
        return 0
    share = "." in asked if isinstance(asked, str) else isinstance(asked, float)
    try:
        count = math.ceil(shares.of(asked, slaves)) if share else int(asked)
    except (ValueError, OverflowError, TypeError):
        count = 0
    if not 1 <= count <= slaves:
        raise UsageError(
            f"must be a number from 1 to {slaves}, or a share such as 0.8, not {asked}",
            field="quorum",
        )
    return count


def check_wait(seconds: float) -> None:
    """See that slaves are waited for with an end.

    Raises
    ------
    UsageError
        If not.
    """
    if not 0 <= seconds <= LONGEST_MS / 1000:
        raise UsageError(
            f"must be between 0 and 30 days in seconds, not {seconds}", field="wait_timeout"
        )
