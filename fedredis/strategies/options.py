"""A strategy's options: the fields of its dataclass, from text."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedredis.strategies.protocol import Strategy


def options(strategy: type[Strategy]) -> dict[str, float | bool]:
    """List the options of a strategy, each with what it is if nothing is said."""
    known: Any = strategy
    return {field.name: getattr(known, field.name) for field in fields(known)}


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
        listed = ", ".join(sorted(strategies))
        raise UsageError(f"must be one of {listed}, not {name!r}", field="strategy")
    known = options(strategies[name])
    for key in given:
        if key not in known:
            listed = ", ".join(known) or "none"
            problem = f"{name} has no option '{key}'; it has: {listed}"
            raise UsageError(problem, field="strategy")
    try:
        values = {key: _value(key, known[key], text) for key, text in given.items()}
        return strategies[name](**values)
    except UsageError as error:
        raise UsageError(f"{name}: {error}", field="strategy") from None


def _value(name: str, default: float | bool, text: str) -> float | bool:
    """Read a value of the kind that the default has."""
    if isinstance(default, bool):
        if text not in ("yes", "no"):
            raise UsageError(f"{name} must be yes or no, not {text!r}")
        return text == "yes"
    kind = type(default)
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        number = "a whole number" if kind is int else "a number"
        raise UsageError(f"{name} must be {number}, not {text!r}")
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
