"""What is odd about columns, though they can be read: said as warnings, to be mended or not."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

from fedredis.data.meaning import NUMBER, spelling
from fedredis.data.records import NAMELESS
from fedredis.errors import DataWarning
from fedredis.features.protocol import MOST_CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from fedredis.data.cells import Cells
    from fedredis.features.protocol import Column

#: Text that is no number for what there is beside its digits, or is a date; each with a remedy.
FORMS = (
    (
        re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}([ T]\d.*)?"),
        "dates",
        "make numbers of them, such as days since one of them",
    ),
    (
        re.compile(r"[-+]?[€$£]? ?\d[\d.,'\s]*[%€$£]?"),
        "numbers with commas, spaces or signs",
        "write them as 1234.5",
    ),
)

#: A number with zeros in front, and the name of a column of ids: id, patient_no, orderId.
CODED = re.compile(r"0\d+")
IDENTIFIER = re.compile(r"(^|[\W_])(?i:id|no|nr|key|code|index|number)$|[a-z]I[dD]$")

#: Rows below which nothing is concluded from values that are all different.
FEW_ROWS = 20

#: How many names a line gives.
NAMED = 5


def doubts(
    cells: Cells, chosen: Sequence[Column], left_out: Sequence[str], named: Collection[str]
) -> Iterator[str]:
    """Say what is odd about columns.

    Parameters
    ----------
    chosen
        Those that are learnt from.
    left_out
        Those that nobody has named, and that hold too many words.
    named
        Those that somebody has named as categories.
    """
    learnt = {column.name for column in chosen}
    for place, name in enumerate(map(str, cells.frame.columns), 1):
        if NAMELESS.fullmatch(name) and name not in learnt and not _counts_rows(cells, name):
            yield f"{cells.path}: column {place} has no name, and is left out: give it one"
    for name in left_out:
        yield from _form(cells, name, "is left out")
    for column in chosen:
        name = column.name
        if column.kind == "category" and name not in named:
            yield from _form(cells, name, "is taken for categories")
            yield from _single(cells, name)
        if column.kind == "category":
            yield from _merged(cells, name)
            yield from _alike(cells, name, {*map(spelling, cells.sample(name))})
        if column.kind == "number":
            yield from _identifier(cells, name)


def label_doubts(cells: Cells, label: str, classes: Sequence[str]) -> Iterator[str]:
    """Say what is odd about the classes that a column has."""
    if len(classes) > FEW_ROWS:
        yield from _form(cells, label, "is taken for classes")
    yield from _merged(cells, label)
    yield from _alike(cells, label, classes)


def namesakes(names: Iterable[str]) -> list[list[str]]:
    """List names that differ by nothing but case and spaces, together those that do."""
    groups: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        groups.setdefault(" ".join(name.casefold().split()), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def warn(lines: Iterable[str]) -> None:
    """Issue warnings, each of one line."""
    for line in lines:
        warnings.warn(line, DataWarning, stacklevel=3)


def _of(cells: Cells, name: str, what: str) -> str:
    return f"{cells.path}, column '{name}': {what}"


def _form(cells: Cells, name: str, becomes: str) -> Iterator[str]:
    """Tell a column most of whose cells are dates or numbers of another country."""
    texts = cells.sample(name)
    for form, what, remedy in FORMS:
        numbers = [text for text in texts if NUMBER.fullmatch(text)]
        odd = [t for t in texts if form.fullmatch(t) and not NUMBER.fullmatch(t)]
        if odd and 2 * len(numbers + odd) >= len(texts):
            yield _of(
                cells,
                name,
                f"it holds {what} ({odd[0]!r}), which are text, and {becomes}: {remedy}",
            )
            return


def _alike(cells: Cells, name: str, texts: Iterable[str]) -> Iterator[str]:
    """Tell names that are meant to be the same one."""
    for group in namesakes(texts):
        quoted = ", ".join(map(repr, group))
        yield _of(cells, name, f"{quoted} differ by case or spaces alone: write them alike")


def _single(cells: Cells, name: str) -> Iterator[str]:
    """Tell categories that are nearly one a row."""
    words = cells.words(name).dropna()
    if len(words) >= FEW_ROWS and len(words) <= 2 * words.nunique() <= 2 * MOST_CATEGORIES:
        few = f"{words.nunique():,} categories in {len(words):,} rows tell next to nothing"
        yield _of(cells, name, f"{few}: leave it out with `columns`")


def _counts_rows(cells: Cells, name: str) -> bool:
    """Say whether a column numbers the rows, as pandas' first one does, or is empty."""
    texts = cells.sample(name)
    first = texts[0] if texts else "0"
    return first in ("0", "1") and texts == [*map(str, range(int(first), int(first) + len(texts)))]


def _merged(cells: Cells, name: str) -> Iterator[str]:
    """Tell codes that are different texts and the same number."""
    codes: dict[str, str] = {}
    for text in cells.sample(name):
        code, number = re.sub(r"\.0*$", "", text), spelling(text)
        if codes.setdefault(number, code) != code and code[-1:].isdigit():
            yield _of(cells, name, f"{codes[number]!r} and {code!r} are taken for the same number")
            return


def _identifier(cells: Cells, name: str) -> Iterator[str]:
    """Tell numbers that number things."""
    texts = cells.sample(name)
    coded = next((text for text in texts if CODED.fullmatch(text)), None)
    if coded is None and IDENTIFIER.search(name) and len({*texts}) == len(texts) >= FEW_ROWS:
        coded = texts[0] if all(spelling(text).isdigit() for text in texts) else None
    if coded is not None:
        remedy = "leave it out with `columns`, or name it in `categories`"
        yield _of(cells, name, f"its numbers look like ids ({coded!r}): {remedy}")
