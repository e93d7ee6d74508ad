"""Redis' replies as Python's types: a value, or a line that says what is damaged.

Clients here answer bytes; most values are text. Strangers may have written them.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from fedredis.errors import BlobError, FedredisError
from fedredis.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: How an answer begins that speaks of the server, not of what it holds: ``MISCONF``, ``BUSY``.
OF_SERVER = re.compile(r"(?!WRONGTYPE)[A-Z]{4,} ")
#: What redis-py puts before the answer to a command in a pipeline.
OF_PIPELINE = re.compile(r"^Command # \d+ .*? of pipeline caused error: ", re.DOTALL)

#: The last millisecond, since 1970, that a calendar has: that of the year 9999.
LAST_MS = 253_402_300_799_999


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


def damaged(where: str, what: str) -> FedredisError:
    """Say that something in Redis is not what fedredis writes there."""
    return FedredisError(f"{where} is damaged in Redis: {what[:200]}")


def explain(where: str, error: ResponseError) -> Exception:
    """Turn an answer that blames what is stored into a line; one of the server's own stays.

    It says what the server has said then, and not where in a pipeline that was.
    """
    said = OF_PIPELINE.sub("", str(error))
    if type(error) is not ResponseError or OF_SERVER.match(said):
        error.args = (said,)
        return error
    return damaged(where, said)


def whole(reply: Any, where: str, what: str) -> int:
    """Read a whole number that is not negative."""
    try:
        number = int(reply)
    except (TypeError, ValueError):
        number = -1
    if not 0 <= number < 1 << 63:
        raise damaged(where, f"its {what} is {_shown(reply)}")
    return number


def moment(reply: Any, where: str, what: str) -> int:
    """Read a time in milliseconds since 1970, of a year that a calendar has."""
    if (number := whole(reply, where, what)) > LAST_MS:
        raise damaged(where, f"its {what} is {_shown(reply)}")
    return number


def real(reply: Any, where: str, what: str) -> float:
    """Read a number that is finite."""
    try:
        number = float(reply)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise damaged(where, f"its {what} is {_shown(reply)}")
    return number


def record(reply: str, where: str, what: str) -> dict[str, Any]:
    """Read a JSON object."""
    found = records(f"[{reply}]", where, what)
    if len(found) != 1:
        raise damaged(where, f"its {what} is {_shown(reply)}")
    return found[0]


def records(reply: str, where: str, what: str) -> list[dict[str, Any]]:
    """Read a JSON list of objects."""
    try:
        found = parsed(reply)
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise damaged(where, f"its {what} is {_shown(reply)}")
    return found


def parsed(told: str) -> Any:
    r"""Read JSON; its text is filtered, too, since JSON writes an escape as ``\u001b``.

    Raises
    ------
    ValueError
        If it is none.
    """
    try:
        return _printable(json.loads(told))
    except (RecursionError, TypeError):
        raise ValueError("it is nested too deep, or no text") from None


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_printable(item) for item in value]
    if isinstance(value, dict):
        return {printable(name): _printable(item) for name, item in value.items()}
    return value


def reads_of(task: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Read from a round's task which artifact plays which role: its name and its version.

    Raises
    ------
    BlobError
        If it does not say so.
    """
    try:
        found = json.loads(task["reads"])
        return {str(role): (str(name), str(version)) for role, (name, version) in found.items()}
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise BlobError(f"a round's task does not say what to read: {error}") from error


def _shown(reply: Any) -> str:
    shown = text(reply) if isinstance(reply, bytes) else str(reply)
    return repr(shown[:60])
