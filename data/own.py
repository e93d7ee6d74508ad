"""A slave that brings its own file: its rows are read into memory, and never written anywhere.

What is told of them is a `Manifest`: names of columns and classes, and how many rows there are.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from fedredis.data.manifest import NAME, Manifest
from fedredis.data.partition import Partition
from fedredis.data.reading import Reading
from fedredis.data.source import load
from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedredis.data.table import Account

#: In a manifest's place for the cut: the rows were never anywhere else.
OWN = "own"

#: What the slaves' data is called together, if they don't choose a name.
SHARED = "shared"


@dataclass(frozen=True)
class OwnFile(Reading):
    """A slave's own file, and how its owner wants it read."""

    path: Path
    #: The slave's name.
    name: str
    #: What all slaves of a federation call the data that they have together.
    dataset: str = SHARED
    #: Of the choice of the rows that are held out, and what share of them that is, in [0, 1).
    seed: int = 0
    test_fraction: float = 0.2

    def to_json(self) -> str:
        """As a JSON object, a field a name."""
        return json.dumps({**asdict(self), "path": str(self.path)})

    @classmethod
    def from_json(cls, text: str) -> OwnFile:
        """Read what `to_json` wrote."""
        values = json.loads(text)
        return cls(**{**values, "path": Path(values["path"])})


@dataclass(frozen=True, eq=False)
class OwnRows:
    """The rows of a slave's own file, in memory."""

    name: str
    manifest: Manifest
    partition: Partition
    #: What was made of the file's columns and rows.
    account: Account | None = None
    #: How categories are written, by column and digest; it stays here.
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def slaves(self) -> tuple[str, ...]:
        """Whose rows they are."""
        return (self.name,)

    def open(self, slave: str) -> Partition:
        """Return the rows of the one slave."""
        return self.partition


def read_own(file: OwnFile, number: int) -> OwnRows:
    """Read a slave's own file, and choose what is held out.

    The classes are those of this file alone, and so are the columns.

    Parameters
    ----------
    number
        Stands for the slave where chances are drawn, as in `cut.held_out`.

    Raises
    ------
    UsageError
        If the share to hold out is out of its range, or the file is a partition folder.
    DataError
        If the data is not as it must be; the message may quote a cell.
    """
    from fedredis.data.cut import content_of, held_out

    if not 0 <= file.test_fraction < 1:
        raise UsageError("must be at least 0 and below 1", field="test_fraction")
    if file.sql is None and (file.path / NAME).exists():
        raise UsageError(f"{file.path} is a partition folder, in which slaves are numbers")
    # The others' rows may have the other classes.
    source = file.path if file.sql is None else None
    how = Reading(**{each.name: getattr(file, each.name) for each in fields(Reading)})
    table = load(source, how, fewest_classes=1)
    out = held_out(len(table.X), file.test_fraction, file.seed, number)
    manifest = Manifest.of(
        table,
        dataset=file.dataset,
        # Not what the file is called: that might tell something.
        source=file.name,
        slaves=1,
        seed=file.seed,
        test_fraction=file.test_fraction,
        cut=OWN,
        content=content_of(table),
    )
    partition = Partition.of(table.X, table.y, table.w, out)
    return OwnRows(file.name, manifest, partition, table.account, table.texts)
