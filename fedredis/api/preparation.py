"""From the data that a caller names to a partition folder."""

from __future__ import annotations

import filecmp
import os
import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fedredis.data.cuts.spec import Cut
from fedredis.data.manifest import NAME, Manifest, read_manifest
from fedredis.data.reading import Reading
from fedredis.data.source import load
from fedredis.errors import DataError, UsageError

if TYPE_CHECKING:
    from fedredis.api.request import Request
    from fedredis.api.session import PathLike
    from fedredis.data.source import Frame
    from fedredis.data.table import Account, Table

#: How many slaves there are, and what share of their rows is held out, if nothing says so.
SLAVES, TEST_FRACTION = 10, 0.2


@dataclass(frozen=True, eq=False)
class Rows:
    """What rows to take, how to read them and how to cut them among slaves."""

    #: A file or folder, a pandas DataFrame, or, from None, generated songs.
    data: Path | Frame | None = None
    reading: Reading = field(default_factory=Reading)
    #: How the rows are dealt to the slaves.
    by: Cut = field(default_factory=Cut)

    @classmethod
    def of(cls, data: PathLike | Frame | None, reading: Reading, by: str = "iid") -> Rows:
        """Take rows as a program names them; raises UsageError if there is no such cut."""
        path = Path(data) if isinstance(data, str | os.PathLike) else data
        return cls(path, reading, Cut.parse(by))

    @property
    def folder(self) -> Path | None:
        """The partition folder that the data is, if it is one."""
        data = self.data
        return data if isinstance(data, Path) and (data / NAME).exists() else None

    @property
    def source(self) -> str:
        """Name the source, so that it can be read again."""
        if self.data is None:
            return self.reading.sql or "synthetic"
        return str(self.data.resolve()) if isinstance(self.data, Path) else "frame"

    def slaves(self, asked: int | None) -> int:
        """Tell how many slaves there are: as asked, else as cut, else a few.

        Raises
        ------
        UsageError
            If a partition folder has fewer than are asked for.
        """
        if self.folder is None:
            return asked or SLAVES
        cut = read_manifest(self.folder).slaves
        if asked is not None and asked > cut:
            raise UsageError(f"is {asked}, and {self.folder} was cut for {cut}", field="slaves")
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
        return load(self.data, self.reading, seed=seed, by=self.by.column)


def prepare(request: Request, slaves: int) -> tuple[Manifest, Path, Account | None]:
    """Find, or cut, the partitions of a run; return their manifest and folder.

    The third is what was made of a file's columns and rows, where one was read.

    Raises
    ------
    DataError
        If the data can't be used.
    UsageError
        If what is asked doesn't fit the data.
    """
    from fedredis.data.cut import write_partitions  # what is there already is not cut

    rows, home = request.rows, request.home
    if rows.folder is not None:
        if told := request.of_rows:
            raise UsageError(
                f"{rows.folder} is cut already: leave out {told}, which is said when it is cut"
            )
        manifest = read_manifest(rows.folder)
        request.tell_of_cut(manifest)
        return manifest, rows.folder, None
    table = rows.read(request.seed)
    # Cut first, named afterwards: the name is made of what the folder holds.
    new = not home.exists()
    fresh = home / "partitions" / f".{secrets.token_hex(4)}"
    try:
        manifest = write_partitions(
            table, fresh, slaves, request.seed, request.test_fraction, cut=rows.by
        )
    finally:
        if new and home.exists():
            # Rows lie in it, and soon a server's password; on a full disk it is begun as well.
            home.chmod(0o700)
    folder = fresh.with_name(manifest.dataset)
    try:
        fresh.rename(folder)
    except OSError:
        # Cut before: the same name is the same contents, unless somebody has damaged them.
        try:
            for file in fresh.iterdir():
                if not _same(file, folder / file.name):
                    file.replace(folder / file.name)
        except OSError as error:
            raise DataError(f"it can't be replaced: {error.strerror}", file=folder) from None
        finally:
            shutil.rmtree(fresh)
    return manifest, folder, table.account


def _same(file: Path, other: Path) -> bool:
    """Say whether another file has the same contents."""
    try:
        return filecmp.cmp(file, other, shallow=False)
    except OSError:
        return False


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
        f"the partitions of {dataset} are gone; `fedredis partition` cuts them again from "
        f"{source}, and with `workers=0` slaves that hold them are waited for",
        file=home / "partitions" / dataset,
    )
