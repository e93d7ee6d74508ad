"""Reading a folder of songs: one CSV file a decade, ``dataset-of-60s.csv`` and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fedredis.data.cells import read_cells
from fedredis.data.reading import IDENTITY, NAMES, first_of_each
from fedredis.data.records import check_file, read_header
from fedredis.data.songs import ERA_OF, ERAS, FEATURE_NAMES, FEATURES, LABEL
from fedredis.data.table import Table
from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


def read_decades(folder: Path) -> Table:
    """Read the songs of all six decades, in the order of the decades.

    A song that stands in several files, or twice in one, counts where it stands first.

    Raises
    ------
    DataError
        If a file is missing or bad; see `reading.read_csv`.
    """
    X, decades, names = read_by_decade(folder)
    era = np.array([ERAS.index(name) for name in ERA_OF.values()])
    source = folder.resolve().name
    return Table(X, era[decades], FEATURES, ERAS, LABEL, source, names)


def read_by_decade(
    folder: Path, columns: Sequence[str] = FEATURE_NAMES
) -> tuple[NDArray[np.float64], NDArray[np.int64], list[str]]:
    """Read d columns (n, d), the index of the decade (n,) and the name (n) of every song.

    Raises
    ------
    DataError
        If a file is missing or bad.
    """
    X, names, identities = [], [], []
    for decade in ERA_OF:
        cells, called, uris = _read(folder / f"dataset-of-{decade}.csv", columns)
        X.append(cells)
        names += called
        identities += uris
    decades = np.repeat(np.arange(len(X)), [len(part) for part in X])
    keep = first_of_each(identities)
    kept = [name for name, kept in zip(names, keep, strict=True) if kept]
    return np.concatenate(X)[keep], decades[keep], kept


def _read(path: Path, columns: Sequence[str]) -> tuple[NDArray[np.float64], list[str], list[str]]:
    """Read columns, the names and the identities of one file's songs."""
    check_file(path)
    header = read_header(path)
    for name in columns:
        if name not in header:
            raise DataError("there is no such column", file=path, column=name)
    names = next((name for name in NAMES if name in header), "")
    cells = read_cells(path, header, text={names, IDENTITY})
    X = np.column_stack([cells.numbers(name) for name in columns])
    empty = [""] * len(X)
    called = cells.texts(names) if names else empty
    return X, called, cells.texts(IDENTITY) if IDENTITY in header else empty
