"""A strategy's options: the fields of its dataclass, from text."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedredis.strategies.protocol import Strategy


@dataclass(frozen=True)
class Option:
    """What ``--set name=value`` may set."""

    name: str
    default: float | bool


def options(strategy: type[Strategy]) -> list[Option]:
    """List the options of a strategy."""
    known: Any = strategy
    return [Option(field.name, getattr(strategy, field.name)) for field in fields(known)]


def build(
    strategies: Mapping[str, type[Strategy]], name: str, given: Mapping[str, str]
) -> Strategy:
    """Make the strategy of a name, with options as text.

    Raises
    ------
    UsageError
        If there is no such strategy or option, or a value is out of its range.
    """
    if name not in strategies:
        raise UsageError(
            f"--strategy must be one of {', '.join(sorted(strategies))}, not {name!r}"
        )
    known = {option.name: option for option in options(strategies[name])}
    for key in given:
        if key not in known:
            listed = ", ".join(known) or "none"
            raise UsageError(f"--set {key}: {name} has no such option; it has: {listed}")
    values = {key: _value(known[key], text) for key, text in given.items()}
    try:
        return strategies[name](**values)
    except UsageError as error:
        raise UsageError(f"--strategy {name}: {error}") from None


def _value(option: Option, text: str) -> float | bool:
    """Read a value of the kind that the default has."""
    if isinstance(option.default, bool):
        if text not in ("yes", "no"):
            raise UsageError(f"--set {option.name}={text}: give yes or no")
        return text == "yes"
    kind = type(option.default)
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        number = "a whole number" if kind is int else "a number"
        raise UsageError(f"--set {option.name}={text}: give {number}")
    return value


def require(ok: bool, name: str, value: float, what: str) -> None:
    """See that an option's value is in its range.

    Raises
    ------
    UsageError
        If it is not; `what` says what it must be.
    """
    if not ok:
        raise UsageError(f"{name} must be {what}, not {value}")
