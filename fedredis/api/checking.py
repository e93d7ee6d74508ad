"""What files would be read as, and how they differ, before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedredis.arguments import checked
from fedredis.data.cut import content_of
from fedredis.data.inspection import Inspection, inspect
from fedredis.data.manifest import Manifest
from fedredis.data.own import OWN
from fedredis.data.reading import Reading
from fedredis.errors import UsageError
from fedredis.jobs.agreement import differences, oddities

if TYPE_CHECKING:
    from fedredis.api.session import PathLike
    from fedredis.data.table import Table


@dataclass(frozen=True, eq=False)
class Checked:
    """What files would be read as."""

    files: tuple[Inspection, ...]
    #: What keeps their owners from training together, or is likely to be a mistake.
    differences: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not (self.differences or any(file.findings for file in self.files))


@checked
def check(*files: PathLike, **reading: Any) -> Checked:
    """Look at files, or at a query's answer, as slaves would read them.

    Parameters
    ----------
    reading
        How to read them: fields of `fedredis.data.reading.Reading`, such as ``label``.

    Raises
    ------
    UsageError
        If there is nothing to look at.
    DataError
        If a file can't be parsed.
    """
    how = Reading(**reading)
    if not files and how.sql is None:
        raise UsageError("name a file to look at")
    found = tuple(inspect(Path(file), how) for file in files) or (inspect(None, how),)
    read = {str(one.path): _manifest(one.table) for one in found if one.table is not None}
    if len(read) < 2:
        return Checked(found, ())
    why = tuple(differences(read))
    return Checked(found, why or tuple(oddities(read)))


def _manifest(table: Table) -> Manifest:
    """Describe a table as a slave would."""
    content = content_of(table)
    return Manifest.of(
        table, dataset="", slaves=1, seed=0, test_fraction=0, cut=OWN, content=content
    )
