"""Reading a partition folder, as a worker does: what one slave holds.

A slave's file is one array (n, d + 2), little-endian float64: the columns of the manifest, the
label as an index into the classes (or, where there are none, as a number), and 1 for a row that
is held out for evaluation, else 0. Where the manifest names a column of weights it is (n, d + 3):
what the row weighs in training, from 0, stands behind the label. A category is the digest of its
text; a missing cell is NaN.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from tokenize import TokenError
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from fedredis.data.manifest import Manifest, read_manifest
from fedredis.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

#: What reads the header of a file, by its version.
HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}

#: Hexadecimal digits of a digest: too few to tell anything of the rows but that they are others.
DIGITS = 8

#: What NumPy makes of a header that is damaged.
DAMAGED = (ValueError, TypeError, KeyError, SyntaxError, TokenError, EOFError, MemoryError)


@dataclass(frozen=True, eq=False)
class Partition:
    """The rows of one slave.

    Parameters
    ----------
    train_X, train_y
        Rows to learn from, shape (n, d), and their labels, shape (n,); n is at least 1.
    test_X, test_y
        Rows held out, shape (m, d), and their labels, shape (m,); m may be 0.
    train_w
        What the rows to learn from weigh, shape (n,), as their column says; None where all weigh
        the same. `fedredis.features.weights` makes of it what they count for in training.
    """

    train_X: NDArray[np.float64]  # noqa: N815
    train_y: NDArray[np.int64] | NDArray[np.float64]
    test_X: NDArray[np.float64]  # noqa: N815
    test_y: NDArray[np.int64] | NDArray[np.float64]
    train_w: NDArray[np.float64] | None = None

    @classmethod
    def of(
        cls,
        X: NDArray[np.float64],
        y: NDArray[np.int64] | NDArray[np.float64],
        w: NDArray[np.float64] | None,
        out: NDArray[np.bool_],
    ) -> Partition:
        """Part rows X (n, d), y (n,), w (n,) into those to learn from and those held out."""
        return cls(X[~out], y[~out], X[out], y[out], None if w is None else w[~out])


def digest_of(rows: NDArray[Any]) -> str:
    """Return a digest of a slave's array, shape (n, width)."""
    return hashlib.sha256(np.ascontiguousarray(rows, "<f8").data).hexdigest()[:DIGITS]


def slave_file(directory: Path, slave_id: int) -> Path:
    """Return the path of a slave's file."""
    return directory / f"slave-{slave_id}.npy"


def held(directory: Path, manifest: Manifest) -> list[int]:
    """Return, in order, the ids of the slaves whose files are in a folder."""
    with os.scandir(directory) as entries:
        found = (re.fullmatch(r"slave-(0|[1-9][0-9]{0,9})\.npy", entry.name) for entry in entries)
        present = sorted(int(name[1]) for name in found if name)
    return [slave for slave in present if slave < manifest.slaves]


def open_partition(directory: Path, slave_id: int, manifest: Manifest | None = None) -> Partition:
    """Read a slave's rows.

    Parameters
    ----------
    manifest
        The folder's, if it has been read before.

    Raises
    ------
    DataError
        If the slave's file is not there, is damaged, or holds other rows than were cut.
    """
    manifest = manifest or read_manifest(directory)
    path = slave_file(directory, slave_id)
    with _opened(path, manifest.width) as file:
        rows = np.lib.format.read_array(file, allow_pickle=False)
    if (problem := _damage(rows, manifest)) is not None:
        raise DataError(f"the file is damaged: {problem}", file=path)
    if manifest.digests and digest_of(rows) != manifest.digests[slave_id]:
        why = "its rows are not those that were cut for this slave: put its own file there"
        raise DataError(why, file=path)
    X, y, *w, out = _parts(rows, manifest)
    if manifest.classes:
        y = y.astype(np.int64)
    return Partition.of(X, y, w[0] if w else None, out == 1)


def check_files(directory: Path, manifest: Manifest, slaves: Iterable[str]) -> None:
    """See that the files of slaves are there, and whole, without reading their rows."""
    for slave in slaves:
        with _opened(slave_file(directory, int(slave)), manifest.width):
            pass


@contextmanager
def _opened(path: Path, width: int) -> Iterator[BinaryIO]:
    """Lend a file that holds an array of as many bytes as its header says, and not more."""
    try:
        with path.open("rb") as file:  # np.load would take an archive for an answer, too
            read_header = HEADERS[np.lib.format.read_magic(file)]
            shape, _, dtype = read_header(file)
            if dtype != np.dtype("<f8") or len(shape) != 2 or shape[1] != width:
                raise ValueError(f"it holds {dtype} {shape}, not float64 (n, {width})")
            there, wanted = path.stat().st_size - file.tell(), dtype.itemsize * shape[0] * width
            if there != wanted:
                raise ValueError(f"it has {there:,} bytes of rows, not {wanted:,}")
            file.seek(0)
            yield file
    except FileNotFoundError:
        raise DataError("there is no such file", file=path) from None
    except OSError as error:
        raise DataError(f"the file can't be read: {error.strerror}", file=path) from None
    except DAMAGED as error:
        problem = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"the file is damaged: {problem}", file=path) from None


def _parts(rows: NDArray[Any], manifest: Manifest) -> list[NDArray[Any]]:
    """Return cells (n, d), labels (n,), weights (n,) if there are such, and what is held out."""
    d = len(manifest.columns)
    return [rows[:, :d], *rows[:, d:].T]


def _damage(rows: NDArray[Any], manifest: Manifest) -> str | None:
    """Say what is wrong with a slave's array, if something is."""
    cells, labels, *weights, out = _parts(rows, manifest)
    there = ~np.isnan(cells) if manifest.reading.missing == "mean" else np.True_
    if not (np.isfinite(rows[:, cells.shape[1] :]).all() and np.isfinite(cells).all(where=there)):
        return "a number is not finite"
    for column, digests in zip(manifest.columns, cells.T, strict=True):
        if column.kind == "category" and not _are_digests(digests[~np.isnan(digests)]):
            return f"a category in '{column.name}' is no digest"
    count = len(manifest.classes)
    if count and not ((labels >= 0) & (labels < count) & (labels % 1 == 0)).all():
        return "a label is none of the classes"
    if any((w < 0).any() for w in weights):
        return "a weight is below 0"
    if not ((out == 0) | (out == 1)).all():
        return "a row is neither held out nor not"
    return None if (out == 0).any() else "there is no row to learn from"


def _are_digests(digests: NDArray[np.float64]) -> bool:
    """Say whether all are whole numbers from 1 to 2^53 - 1."""
    return bool(((digests >= 1) & (digests < 2**53) & (digests % 1 == 0)).all())
