"""Cutting a table among slaves, into a partition folder.

A folder is content-addressed: its dataset id holds a digest of every row and of how they were
cut, so that two machines with the same id have the same data.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fedredis.data.cuts.deal import deal
from fedredis.data.cuts.spec import Cut
from fedredis.data.manifest import NAME, Manifest, read_manifest
from fedredis.data.partition import DIGITS, digest_of, open_partition, slave_file
from fedredis.data.whole import written_whole
from fedredis.errors import DataError, UsageError
from fedredis.shares import of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fedredis.data.table import Table

#: The cut when none is asked for.
IID = Cut()


def held_out_count(rows: int, test_fraction: float) -> int:
    """Tell how many of its rows a slave holds out; one at least is not."""
    return min(round(of(test_fraction, rows)), rows - 1)


def held_out(rows: int, test_fraction: float, seed: int, slave_id: int) -> NDArray[np.bool_]:
    """Choose at random the rows that a slave holds out, shape (rows,)."""
    count = held_out_count(rows, test_fraction)
    chosen = np.zeros(rows, np.bool_)
    chosen[np.random.default_rng([seed, 1, slave_id]).permutation(rows)[:count]] = True
    return chosen


def write_partitions(
    table: Table,
    directory: Path,
    slaves: int,
    seed: int,
    test_fraction: float,
    cut: Cut = IID,
) -> Manifest:
    """Write a partition folder, whole or not at all.

    A folder that holds the same data, cut alike, is left as it is, but for files that are gone or
    damaged: these are written again.

    Parameters
    ----------
    test_fraction
        Share of each slave's rows to hold out, in [0, 1).
    cut
        How to deal the rows; see `cuts.deal`.

    Raises
    ------
    UsageError
        If an argument is out of its range, or `directory` holds something else.
    DataError
        If the table can't be cut so among so many slaves, or the folder can't be written.
    """
    if not 0 <= test_fraction < 1:
        raise UsageError("must be at least 0 and below 1", field="test_fraction")
    dealt = deal(table, cut, slaves, seed)
    manifest = Manifest.of(
        table, dataset="", slaves=slaves, seed=seed, test_fraction=test_fraction, cut=str(cut)
    )
    manifest = replace(manifest, each=tuple(map(len, dealt)))
    manifest = _named(manifest, _parts(table, dealt, manifest))
    if _there(directory, manifest):
        for slave_id, part in enumerate(_parts(table, dealt, manifest)):
            if not _whole(directory, slave_id, manifest):
                with written_whole(slave_file(directory, slave_id)) as scratch:
                    _save(scratch, part)
        return manifest
    with written_whole(directory) as scratch:
        scratch.mkdir()
        for slave_id, part in enumerate(_parts(table, dealt, manifest)):
            _save(slave_file(scratch, slave_id), part)
        (scratch / NAME).write_text(manifest.to_json(), encoding="utf-8")
    return manifest


def _save(path: Path, part: NDArray[np.float64]) -> None:
    with path.open("wb") as file:  # by its name, NumPy would append an ending to it
        np.save(file, part, allow_pickle=False)


def _whole(directory: Path, slave_id: int, manifest: Manifest) -> bool:
    """Say whether a slave's file is there, and holds what was cut for it."""
    try:
        open_partition(directory, slave_id, manifest)
    except DataError:
        return False
    return True


def _parts(
    table: Table, dealt: list[NDArray[np.int64]], manifest: Manifest
) -> Iterator[NDArray[np.float64]]:
    """Make the array of each slave, as `partition` reads it."""
    weights = [] if table.w is None else [table.w]
    for slave_id, rows in enumerate(dealt):
        out = held_out(len(rows), manifest.test_fraction, manifest.seed, slave_id)
        yield np.column_stack(
            [table.X[rows], table.y[rows], *(w[rows] for w in weights), out]
        ).astype("<f8")


def content_of(table: Table) -> str:
    """Return a digest of a table's rows, too short to tell anything else of them."""
    digest = hashlib.sha256(table.X.astype("<f8").tobytes())
    digest.update(table.y.astype("<f8").tobytes())
    digest.update(b"" if table.w is None else table.w.astype("<f8").tobytes())
    return digest.hexdigest()[:DIGITS]


def _named(manifest: Manifest, parts: Iterator[NDArray[np.float64]]) -> Manifest:
    """Name a data set after its source, its slaves and its contents, and tell these by slave."""
    essentials, reading = asdict(manifest), manifest.reading
    for name in ("dataset", "source", "content", "digests", "each", "reading"):
        del essentials[name]
    essentials |= {"label": reading.label, "missing": reading.missing}
    essentials |= {"weights": reading.weights} if reading.weights else {}
    digest = hashlib.sha256(json.dumps(essentials, sort_keys=True).encode())
    digests = []
    for part in parts:
        digest.update(part.tobytes())
        digests.append(digest_of(part))
    stem = re.sub(r"[^a-z0-9]+", "-", Path(manifest.source).stem.lower()).strip("-")
    dataset = f"{stem or 'data'}-{manifest.slaves}-{digest.hexdigest()[:DIGITS]}"
    return replace(manifest, dataset=dataset, digests=tuple(digests))


def _there(directory: Path, manifest: Manifest) -> bool:
    """Say whether a folder holds this data already; refuse one that holds anything else."""
    if not directory.exists():
        return False
    if not directory.is_dir():
        raise UsageError(f"{directory} is a file: choose another `out`")
    if not (directory / NAME).exists():
        if any(directory.iterdir()):
            raise UsageError(f"{directory} holds other files: choose another `out`")
        return False
    found = read_manifest(directory).dataset
    if found != manifest.dataset:
        raise UsageError(
            f"{directory} holds the data set {found}, not {manifest.dataset}: choose another `out`"
        )
    return True
