"""Redis' replies as Python's types. Clients here answer bytes; most values are text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def text(reply: Any) -> str:
    """Decode one reply."""
    decoded: str = reply.decode()
    return decoded


def texts(replies: Iterable[Any]) -> list[str]:
    """Decode a list of replies."""
    return [text(reply) for reply in replies]


def fields(reply: Mapping[Any, Any]) -> dict[str, str]:
    """Decode a hash, or the fields of a stream's entry."""
    return {text(name): text(value) for name, value in reply.items()}
