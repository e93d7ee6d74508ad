"""Redis' replies as Python's types. Clients here answer bytes; most values are text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

#: Control characters: C0 but for tab and newline, DEL, C1.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def text(reply: Any) -> str:
    """Decode one reply.

    Slaves write some of them: bytes that are no text are replaced, and of control characters,
    which a terminal would obey, only tab and newline are kept.
    """
    decoded: str = reply.decode(errors="replace")
    return decoded if decoded.isprintable() else CONTROL.sub("\ufffd", decoded)


def texts(replies: Iterable[Any]) -> list[str]:
    """Decode a list of replies."""
    return [text(reply) for reply in replies]


def fields(reply: Mapping[Any, Any]) -> dict[str, str]:
    """Decode a hash, or the fields of a stream's entry."""
    return {text(name): text(value) for name, value in reply.items()}
