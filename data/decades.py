"""Reading a folder of songs: one CSV file a decade, ``dataset-of-60s.csv`` and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fedredis.data.cells import read_cells
from fedredis.data.file import IDENTITY, NAMES, first_of_each
from fedredis.data.packed import check_file
from fedredis.data.records import read_header
from fedredis.data.songs import ERA_OF, ERAS, FEATURE_NAMES, FEATURES, LABEL, SONGS
from fedredis.data.table import Table
from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


def read_decades(folder: Path, *, by: str | None = None) -> Table:
    """Read the songs of all six decades, in the order of the decades.

    A song that stands in several files, or twice in one, counts where it stands first.

    Parameters
    ----------
    by
        A column that all files have, whose cells are the songs' groups; ``decade`` is the file's.
    """
    X, decades, texts = read_by_decade(folder, by=by)
    era = np.array([ERAS.index(name) for name in ERA_OF.values()])
    source = folder.resolve().name
    names = texts["name"].tolist()
    groups = None if by is None else texts["group"].tolist()
    return Table(X, era[decades], FEATURES, ERAS, SONGS, source, names=names, groups=groups)


def read_by_decade(
    folder: Path, columns: Sequence[str] = FEATURE_NAMES, *, by: str | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64], pd.DataFrame]:
    """Read d columns (n, d), the index of the decade (n,) and the texts (n) of every song.

    The texts are ``name``, ``identity`` and ``group``, each '' where there is none.
    """
    files = [_read(folder / f"dataset-of-{decade}.csv", columns, by) for decade in ERA_OF]
    X = np.concatenate([cells for cells, _ in files])
    decades = np.repeat(np.arange(len(files)), [len(cells) for cells, _ in files])
    texts = pd.concat([texts for _, texts in files], ignore_index=True)
    if by == LABEL:  # in the files it is a year
        texts["group"] = np.array(list(ERA_OF))[decades]
    keep = first_of_each(texts["identity"].tolist())
    return X[keep], decades[keep], texts[keep]


def _read(
    path: Path, columns: Sequence[str], by: str | None
) -> tuple[NDArray[np.float64], pd.DataFrame]:
    """Read columns and texts of one file's songs."""
    check_file(path)
    header = read_header(path)
    by = None if by == LABEL else by
    for name in (*columns, *(() if by is None else (by,))):
        if name not in header:
            raise DataError("there is no such column", file=path, column=name)
    names = next((name for name in NAMES if name in header), "")
    cells = read_cells(path, header, text={names, IDENTITY})
    X = np.column_stack([cells.numbers(name) for name in columns])
    empty = [""] * len(X)
    texts = {
        "name": cells.texts(names) if names else empty,
        "identity": cells.texts(IDENTITY) if IDENTITY in header else empty,
        "group": empty if by is None else cells.spellings(by),
    }
    return X, pd.DataFrame(texts)
