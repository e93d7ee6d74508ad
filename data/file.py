"""Reading a file, a query's answer or a frame into a `Table`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fedredis.data import columns as choice
from fedredis.data import dates, formats
from fedredis.data.labels import target
from fedredis.data.meaning import digest, once_each
from fedredis.data.packed import SIZE_CAP
from fedredis.data.reading import UNSAID, Reading, parts
from fedredis.data.songs import LABEL
from fedredis.data.table import Account, Table
from fedredis.errors import DataError
from fedredis.printable import item

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fedredis.data.cells import Cells
    from fedredis.data.formats import Opened

#: Columns that may hold what a row is called; the first one found does.
NAMES = ("track_name", "track", "name")

#: The column that identifies a row; a value that occurs again is dropped.
IDENTITY = "uri"

#: Rows that are put in their place at once.
BLOCK = 4_096

#: What is said of a missing cell.
EMPTY = "the cell is empty: `missing=drop` leaves such rows out, `missing=mean` fills cells"


def read(
    source: Path | pd.DataFrame | None,
    reading: Reading = UNSAID,
    *,
    fewest_classes: int = 2,
    by: str | None = None,
    cap: int = SIZE_CAP,
) -> Table:
    """Read and check a file, a frame, or, from None, a query's answer; see `formats.opened`.

    What has all the song features gives those, with their ranges, which are not enforced.

    Parameters
    ----------
    fewest_classes
        1 if other rows, elsewhere, may have other labels, else 2.
    by
        Any column, whose cells are the rows' groups.
    cap
        Bytes above which a file is refused unread.

    Raises
    ------
    DataError
        If the source, a column, a row or a cell is not as it must be.
    """
    return table_of(formats.opened(source, reading, cap), reading, fewest_classes, by)


def table_of(
    opened: Opened, reading: Reading, fewest_classes: int = 2, by: str | None = None
) -> Table:
    """Make a table of cells, which are read once it is known which are to stay text."""
    path, header = opened.path, opened.header
    label = _label(path, header, reading.label)
    days = reading.days
    expanded = [part for name in header for part in (parts(name) if name in days else [name])]
    weights = reading.weights or ""
    for name in filter(None, (*days, *reading.ignore, weights, by)):
        _require(path, header, name)
    if reading.columns is not None:
        columns = [p for n in reading.columns for p in (parts(n) if n in days else [n])]
        reading = replace(reading, columns=columns)
    for name in (*(reading.columns or ()), *reading.categories):
        _require(path, expanded, name)
    names = next((name for name in NAMES if name in header and name != label), None)
    apart = {IDENTITY: "identifies rows"} | ({names: "names rows"} if names else {})
    apart |= {label: "label"} if label else {}
    apart |= {weights: "weighs rows"} if weights else {}
    cells = opened.cells({*apart, *reading.categories, *days} - {weights})
    groups = None if by is None else cells.spellings(by)
    if days:
        cells = dates.expand(cells, days, header)
    chosen = choice.choose(cells, label, reading, apart)
    learnt = [*(column.name for column in chosen.columns), label]
    read = [choice.values(cells, column) for column in chosen.columns]
    gaps = np.empty((len(cells.frame), len(learnt)), np.bool_, order="F")
    for place, values in enumerate(read):
        np.isnan(values, out=gaps[:, place])
    gaps[:, -1] = cells.missing(label) if label else False
    w = _weights(cells, weights, reading.missing) if weights else None
    if w is not None:
        gaps[:, -1] |= np.isnan(w)
    rows = _complete(cells, gaps, learnt, reading.missing)
    X = _beside(read)
    del read
    classes: tuple[str, ...] = ()
    y: NDArray[Any] = np.zeros(len(rows))
    if label:
        classes, y = target(cells, label, rows, reading.task, fewest_classes)
    dropped = {"no label" + " or weight" * bool(weights): int(gaps[:, -1].sum())}
    dropped["a missing cell"] = len(X) - len(rows) - sum(dropped.values())
    if IDENTITY in header:
        once = first_of_each(pd.Series(cells.texts(IDENTITY))[rows].tolist())
        dropped[f"{IDENTITY} seen before"] = int((~once).sum())
        rows, y = rows[once], y[once]
    if len(rows) < len(X):
        X, gaps = X[rows], gaps[rows]
    for place in np.flatnonzero(gaps[:, :-1].any(axis=0)).tolist():
        X[gaps[:, place], place] = np.nan  # the same bytes, whatever the file's: they are digested
    counts = np.bincount(y, minlength=len(classes)).tolist() if classes else []
    account = Account(
        str(path),
        opened.how,
        len(cells.frame),
        dropped,
        chosen.columns,
        {**chosen.left, **dict.fromkeys(opened.nested, "lists or objects")},
        {n: int(c) for n, c in zip(learnt, gaps[:, :-1].sum(axis=0), strict=False) if c},
        label,
        dict(zip(classes, counts, strict=False)),
    )
    task = ("classify" if classes else "regress") if label else reading.task
    return Table(
        X,
        y,
        chosen.columns,
        classes,
        replace(reading.agreed, label=label, task=task),
        path.name,
        names=pd.Series(cells.texts(names))[rows].tolist() if names else None,
        groups=None if groups is None else groups[rows].tolist(),
        texts={c.name: _texts(cells, c.name) for c in chosen.columns if c.kind != "number"},
        account=account,
        w=None if w is None else w[rows],
    )


def _texts(cells: Cells, name: str) -> dict[str, str]:
    """Return how the categories of a column are written, by their digests."""
    spelt = once_each({*cells.spellings(name)} - {""})
    return {str(int(digest(text))): text for text in spelt}


def _weights(cells: Cells, name: str, missing: str) -> NDArray[np.float64]:
    """Return what rows weigh (n,), NaN where nothing says it."""
    w = cells.numbers(name, gaps=missing != "error")
    if (w < 0).any():
        raise cells.error("a weight is below 0", int((w < 0).argmax()), name)
    return w


def _beside(columns: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Put columns (n,) beside each other, by blocks of rows that a processor's cache holds."""
    X = np.empty((len(columns[0]), len(columns)))
    for start in range(0, len(X), BLOCK):
        np.stack([c[start : start + BLOCK] for c in columns], 1, X[start : start + BLOCK])
    return X


def _complete(
    cells: Cells, gaps: NDArray[np.bool_], names: Sequence[str], missing: str
) -> NDArray[np.intp]:
    """Choose the rows to keep, given what cells are missing (n, columns), the label last."""
    if missing == "error":
        for name, gap in zip(names, gaps.T, strict=True):
            if gap.any():
                raise cells.error(EMPTY, int(gap.argmax()), name)
    kept = ~(gaps[:, -1] if missing == "mean" else gaps.any(axis=1))
    if not kept.any():
        raise DataError("every row has a missing cell", file=cells.path)
    return np.flatnonzero(kept)


def first_of_each(identities: Sequence[str]) -> NDArray[np.bool_]:
    """Mark, shape (n,), the first row of each identity, and every row that has none ('')."""
    series = pd.Series(identities, dtype=str)
    return (~series.duplicated() | (series == "")).to_numpy(np.bool_)


def _require(path: Path, header: list[str], name: str) -> None:
    if name not in header:
        raise DataError(
            f"there is no such column; there are {', '.join(map(item, header))}",
            file=path,
            column=name,
        )


def _label(path: Path, header: list[str], label: str | None) -> str:
    """Decide which column holds the class, '' being none."""
    if label == "":
        return label
    if label is None and LABEL not in header:
        raise DataError(
            f"no column '{LABEL}': name the one that holds the class with `label`",
            file=path,
        )
    label = LABEL if label is None else label
    _require(path, header, label)
    return label
