"""Redis' replies as Python's types. Clients here answer bytes; most values are text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fedredis.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def text(reply: Any) -> str:
    """Decode one reply.

    Slaves write some of them: bytes that are no text are replaced, and of control characters,
    which a terminal would obey, only tab and newline are kept.
    """
    decoded: str = reply.decode(errors="replace")
    return printable(decoded)


def texts(replies: Iterable[Any]) -> list[str]:
    """Decode a list of replies."""
    return [text(reply) for reply in replies]


def fields(reply: Mapping[Any, Any]) -> dict[str, str]:
    """Decode a hash, or the fields of a stream's entry."""
    return {text(name): text(value) for name, value in reply.items()}


def parsed(told: str) -> Any:
    r"""Read JSON; its text is filtered, too, since JSON writes an escape as ``\u001b``.

    Raises
    ------
    ValueError
        If it is none.
    """
    try:
        return _printable(json.loads(told))
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_printable(item) for item in value]
    if isinstance(value, dict):
        return {printable(name): _printable(item) for name, item in value.items()}
    return value
