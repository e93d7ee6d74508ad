"""The answer of a run that asks something, as facts and tables: whatever its kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


#: Values of a list that stand in a cell, at most: longer ones are curves, which are drawn.
LISTED = 8


@dataclass(frozen=True)
class Table:
    """A table, with what holds for all of it in its title."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Shown:
    """An answer."""

    facts: list[tuple[str, str]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def shown(result: Mapping[str, Any]) -> Shown:
    """Sort what an answer holds: single values are facts, lists of entries are tables."""
    answer = Shown()
    for name, value in result.items():
        title = name.replace("_", " ")
        if _entries(value) or isinstance(value, dict):
            answer.tables.extend(_tables(title, value))
        elif text := written(value, 6):
            answer.facts.append((title, text))
    return answer


def _entries(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def _tables(title: str, value: Any) -> Iterator[Table]:
    """Make tables of entries, or of one."""
    if isinstance(value, dict) and {"columns", "values"} == value.keys():
        # A matrix, its columns being its rows.
        names = [str(name) for name in value["columns"]]
        named = zip(names, value["values"], strict=True)
        cells = tuple((name, *map(written, row)) for name, row in named)
        yield Table(title, ("", *names), cells)
        return
    flat, inside = [], []
    for entry in value if isinstance(value, list) else [value]:
        row = dict(_flat(entry))
        below = {name: v for name, v in entry.items() if _entries(v)}
        told = ", ".join(f"{name} {text}" for name, text in row.items() if text)
        inside += [(f"{title}: {told}" if told else name, v) for name, v in below.items()]
        flat += [] if below else [row]
    header = dict.fromkeys(name for row in flat for name in row)
    if rows := tuple(tuple(row.get(name, "") for name in header) for row in flat if row):
        yield Table(title, tuple(header), rows)
    for name, entries in inside:
        yield from _tables(name, entries)


def _flat(entry: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Write an entry's values by name, those of entries in it, too."""
    for name, value in entry.items():
        called = f"{before}{name}".replace("_", " ")
        if isinstance(value, dict):
            yield from _flat(value, f"{called} ")
        elif not _entries(value) and not (isinstance(value, list) and len(value) > LISTED):
            yield called, written(value)


def written(value: Any, digits: int = 4, *, inner: bool = False) -> str:
    """Write a value, so many digits of it; nothing if there is none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    if isinstance(value, list):
        # What stands together within it is a term of several factors.
        return (":" if inner else ", ").join(written(one, digits, inner=True) for one in value)
    return f"{value:,}" if type(value) is int else str(value)
