"""Data cut among slaves, and data to try things with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedredis.api.preparation import Rows
from fedredis.api.writing import in_directory, new_file
from fedredis.arguments import checked
from fedredis.data.cut import write_partitions
from fedredis.data.cuts.deal import deal
from fedredis.data.reading import Reading
from fedredis.data.report import report_on
from fedredis.data.synthetic import write_csv

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from fedredis.api.session import PathLike
    from fedredis.data.manifest import Manifest
    from fedredis.data.report import CutReport
    from fedredis.data.source import Frame


@dataclass(frozen=True)
class Partitions:
    """A folder with a file for each slave."""

    folder: Path
    #: What the folder holds; `manifest.dataset` names it.
    manifest: Manifest
    #: What each slave got of each label, and how uneven that is.
    report: CutReport


@checked
def partition(
    data: PathLike | Frame | None = None,
    *,
    slaves: int,
    out: PathLike,
    by: str = "iid",
    seed: int = 0,
    test_fraction: float = 0.2,
    **reading: Any,
) -> Partitions:
    """Cut data into a folder with a file for each slave.

    Parameters are as for `run`; `out` is the folder, and `reading` are the fields of
    `fedredis.data.reading.Reading`, such as ``label``. The same data, cut alike, has the same
    ``manifest.dataset`` everywhere, and a folder that holds it already is left as it is.

    Raises
    ------
    DataError
        If the data can't be used, or the folder can't be written.
    UsageError
        If an argument does not fit the data, or the folder holds something else.
    """
    rows = Rows.of(data, Reading(**reading), by)
    folder, table = in_directory(out), rows.read(seed)
    manifest = write_partitions(table, folder, slaves, seed, test_fraction, cut=rows.by)
    report = report_on(table, deal(table, rows.by, slaves, seed), test_fraction)
    return Partitions(folder, manifest, report)


@checked
def synth(out: PathLike, *, songs: int | None = None, seed: int = 0, force: bool = False) -> Path:
    """Write generated songs to a CSV file, 40,560 of them or as many as asked; return its path.

    They are made up, from statistics of real songs by decade; none of them exists.

    Raises
    ------
    UsageError
        If `songs` is below 1 or above 100,000,000, or `seed` below 0.
    DataError
        If the file can't be written, or is there already and not to be replaced by `force`.
    """
    path = new_file(out, force=force)
    write_csv(songs, path, seed)
    return path
