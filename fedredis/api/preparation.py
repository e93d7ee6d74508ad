"""From the data that a caller names to a partition folder."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from fedredis.data.cut import IID, write_partitions
from fedredis.data.manifest import NAME, Manifest, read_manifest
from fedredis.data.source import load
from fedredis.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedredis.data.cuts.spec import Cut
    from fedredis.data.table import Table

#: How many slaves there are, if nothing says so.
SLAVES = 10


@dataclass(frozen=True)
class Rows:
    """What rows to take, how to read them and how to cut them among slaves.

    The first fields are parameters of `fedredis.data.source.load`, which says what they mean.
    """

    data: Path | None = None
    label: str | None = None
    columns: Sequence[str] | None = None
    categories: Sequence[str] | None = None
    missing: str = "error"
    task: str = "auto"
    #: How the rows are dealt to the slaves.
    by: Cut = IID

    @property
    def source(self) -> str:
        """Name the source, so that it can be read again."""
        return "synthetic" if self.data is None else str(self.data.resolve())

    @property
    def cut_already(self) -> bool:
        """Whether the data is a partition folder."""
        return self.data is not None and (self.data / NAME).exists()

    def slaves(self, asked: int | None) -> int:
        """Tell how many slaves there are: as asked, else as cut, else a few.

        Raises
        ------
        UsageError
            If a partition folder has fewer than are asked for.
        """
        if self.data is None or not self.cut_already:
            return asked or SLAVES
        cut = read_manifest(self.data).slaves
        if asked is not None and asked > cut:
            raise UsageError(f"--slaves {asked}: {self.data} was cut for {cut} slaves")
        return asked or cut

    def read(self, seed: int) -> Table:
        """Read the rows; `seed` is for songs that are generated.

        Raises
        ------
        DataError
            If the data can't be used.
        UsageError
            If what is said of the rows does not fit them.
        """
        said = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "by"}
        return load(**said, seed=seed, by=self.by.column)


def prepare(
    rows: Rows, slaves: int, *, seed: int, test_fraction: float, home: Path
) -> tuple[Manifest, Path]:
    """Find, or cut, the partitions of a run; return their manifest and folder.

    Raises
    ------
    DataError
        If the data can't be used.
    UsageError
        If options don't fit the data.
    """
    if rows.data is not None and rows.cut_already:
        if rows != Rows(rows.data):
            raise UsageError(
                f"{rows.data} is cut already: how to read data, and to cut it, is said when it is "
                "cut"
            )
        return read_manifest(rows.data), rows.data
    table = rows.read(seed)
    # Cut first, named afterwards: the name is made of what the folder holds.
    new = not home.exists()
    fresh = home / "partitions" / f".{secrets.token_hex(4)}"
    manifest = write_partitions(table, fresh, slaves, seed, test_fraction, cut=rows.by)
    if new:
        # Rows lie in it, and soon a server's password.
        home.chmod(0o700)
    folder = fresh.with_name(manifest.dataset)
    try:
        fresh.rename(folder)
    except OSError:
        # Cut before: the same name is the same contents.
        shutil.rmtree(fresh)
    return manifest, folder


def find_partitions(home: Path, dataset: str, source: str) -> Path:
    """Find the partitions that an earlier call has cut or was given.

    Raises
    ------
    DataError
        If they are gone.
    """
    for folder in (home / "partitions" / dataset, Path(source)):
        if (folder / NAME).exists() and read_manifest(folder).dataset == dataset:
            return folder
    raise DataError(
        f"the partitions of {dataset} are gone; `fedredis partition` cuts them again "
        f"from {source}",
        file=home / "partitions" / dataset,
    )
