"""Songs that never were, as many as you like, drawn from `songs.json`."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

from fedredis.data.copula import read_copulas
from fedredis.data.songs import COUNTS, ERA_OF, ERAS, FEATURE_NAMES, FEATURES, LABEL, SONGS
from fedredis.data.table import Table
from fedredis.data.whole import written_whole
from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

#: The decades in order, and the index of each one's era.
DECADES = tuple(ERA_OF)
ERA = np.array([ERAS.index(era) for era in ERA_OF.values()])

#: Songs that are drawn at a time, which bounds the memory of `write_csv`.
CHUNK = 1 << 16
#: Songs that can be drawn, a byte of memory each.
MOST_SONGS = 10**8


def generate(songs: int | None = None, seed: int = 0, *, by: str | None = None) -> Table:
    """Draw songs; the same seed gives the same songs.

    Parameters
    ----------
    songs
        How many, at most `MOST_SONGS`; otherwise as many as there were real ones. Decades share
        them as they did.
    by
        The column to group them by: ``decade``, which is finer than the eras.
    """
    if by not in (None, LABEL):
        raise UsageError(f"generated songs can be cut by the column '{LABEL}' only, not '{by}'")
    features, drawn = zip(*_chunks(songs, seed), strict=True)
    X, decades = np.concatenate(features), np.concatenate(drawn)
    groups = None if by is None else [DECADES[decade] for decade in decades.tolist()]
    names = _names(0, len(X))
    y = ERA[decades]
    return Table(X, y, FEATURES, ERAS, SONGS, "synthetic", names=names, groups=groups)


def write_csv(songs: int | None, path: Path, seed: int = 0) -> None:
    """Write the songs that `generate` draws to a CSV file, all of them or none."""
    with (
        written_whole(path) as scratch,
        scratch.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["track_name", LABEL, *FEATURE_NAMES])
        start = 0
        for X, decades in _chunks(songs, seed):
            eras = [ERAS[era] for era in ERA[decades].tolist()]
            writer.writerows(zip(_names(start, start + len(X)), eras, *_cells(X), strict=True))
            start += len(X)


def _chunks(
    songs: int | None, seed: int
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """Draw the features (n, 11) and the decades (n,) of songs, up to `CHUNK` at a time."""
    copulas = read_copulas()
    real = np.array([copula.songs for copula in copulas])
    songs = int(real.sum()) if songs is None else songs
    if not 1 <= songs <= MOST_SONGS:
        raise UsageError(f"must be from 1 to {MOST_SONGS:,}, not {songs:,}", field="songs")
    if seed < 0:
        raise UsageError(f"must be at least 0, not {seed}", field="seed")
    rng = np.random.default_rng(seed)
    ends = np.rint(np.cumsum([0, *real]) * (songs / real.sum())).astype(np.int64)
    groups = rng.permutation(np.repeat(np.arange(len(real), dtype=np.int8), np.diff(ends)))
    decades = np.array([DECADES.index(copula.decade) for copula in copulas])
    for start in range(0, songs, CHUNK):
        group = groups[start : start + CHUNK]
        X = rng.standard_normal((len(group), len(FEATURE_NAMES)))
        for number, copula in enumerate(copulas):
            X[group == number] = copula.songs_of(X[group == number])
        yield X, decades[group]


def _names(start: int, stop: int) -> list[str]:
    return [f"Synthetic Song {number:06d}" for number in range(start, stop)]


def _cells(X: NDArray[np.float64]) -> Iterator[list[float] | list[int]]:
    """Give each column as a list, of integers where it counts."""
    for name, column in zip(FEATURE_NAMES, X.T, strict=True):
        yield (column.astype(np.int64) if name in COUNTS else column).tolist()
