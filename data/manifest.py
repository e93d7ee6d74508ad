"""The manifest of a partition folder: what its files hold and how they were cut."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fedredis.data.reading import UNSAID, Reading
from fedredis.errors import DataError, UsageError
from fedredis.features.protocol import Column

if TYPE_CHECKING:
    from pathlib import Path

    from fedredis.data.table import Table

#: The version of the folder's format that this program reads and writes.
VERSION = 1

#: The manifest's file in a partition folder.
NAME = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What a partition folder holds.

    Parameters
    ----------
    dataset
        Dataset id: the same for the same data, cut alike, on every machine.
    source
        Where the rows came from, without a path.
    slaves
        How many slaves the rows were cut among; their ids are 0 to slaves - 1.
    seed
        Of the cut, and of the choice of the held-out rows.
    test_fraction
        Share of each slave's rows that is held out for evaluation.
    columns
        What the columns of a row are.
    classes
        Names of the classes; a label is an index into them. None at all: labels are numbers.
    rows
        How many rows all the slaves hold.
    each
        How many of them each slave holds, in order; none where owners have written the folder by
        themselves.
    cut
        How the rows were cut among the slaves, such as ``iid`` or ``dirichlet:0.1``.
    reading
        What the rows are read as, beside their columns: the label, the weights, and whether cells
        may be missing (NaN), to be filled by the mean over all slaves.
    content
        Of a slave's own file a digest of its rows, which tells that another file is another one.
    digests
        Of each slave's file in the folder a digest of its rows, in order, as they were cut; none
        where owners have written the folder by themselves.
    version
        Of the folder's format.
    """

    dataset: str
    source: str
    slaves: int
    seed: int
    test_fraction: float
    columns: tuple[Column, ...]
    classes: tuple[str, ...]
    rows: int
    cut: str = "iid"
    content: str = ""
    digests: tuple[str, ...] = ()
    each: tuple[int, ...] = ()
    reading: Reading = UNSAID
    version: int = VERSION

    @classmethod
    def of(cls, table: Table, **told: Any) -> Manifest:
        """Describe a table's rows; `told` is the rest."""
        return cls(
            columns=table.columns,
            classes=table.classes,
            rows=len(table.X),
            reading=table.reading,
            **{"source": table.source, **told},
        )

    @property
    def width(self) -> int:
        """How many numbers a row has in a slave's file."""
        return len(self.columns) + 2 + (self.reading.weights is not None)

    def to_json(self) -> str:
        """Return the manifest as JSON text, indented for reading."""
        return json.dumps({**asdict(self), "reading": self.reading.as_dict}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read back what `to_json` wrote."""
        try:
            known = json.loads(text)
            version = known["version"]
            manifest = cls(
                dataset=_text(known["dataset"]),
                source=_text(known["source"]),
                slaves=_whole(known["slaves"]),
                seed=_whole(known["seed"]),
                test_fraction=float(known["test_fraction"]),
                columns=tuple(
                    Column(
                        _text(column["name"]),
                        _bound(column["low"]),
                        _bound(column["high"]),
                        _text(column.get("kind", "number")),
                    )
                    for column in known["columns"]
                ),
                classes=tuple(_text(name) for name in known["classes"]),
                rows=_whole(known["rows"]),
                cut=_text(known.get("cut", "iid")),
                content=_text(known.get("content", "")),
                digests=tuple(_text(digest) for digest in known.get("digests", ())),
                each=tuple(_whole(rows) for rows in known.get("each", ())),
                reading=Reading(**known.get("reading", {})).agreed,
            )
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise DataError(f"the manifest is damaged: {error!r}") from None
        except UsageError as error:
            raise DataError(f"the manifest is damaged: {error}") from None
        if version != VERSION:
            raise DataError(f"the manifest has version {version}, not {VERSION}")
        names = [column.name for column in manifest.columns]
        fit = len(manifest.digests) in (0, manifest.slaves)
        if each := manifest.each:
            fit &= (len(each), sum(each)) == (manifest.slaves, manifest.rows) and min(each) > 0
        if not (1 <= manifest.slaves <= manifest.rows and names and fit):
            raise DataError("the manifest is damaged: its counts don't fit each other")
        for what, given in (("column", names), ("class", manifest.classes)):
            if len(set(given)) < len(given):
                raise DataError(f"the manifest is damaged: a {what} is named twice")
        if not 0 <= manifest.test_fraction < 1:
            raise DataError("the manifest is damaged: its test fraction is not below 1")
        return manifest


def read_manifest(directory: Path) -> Manifest:
    """Read the manifest of a partition folder."""
    path = directory / NAME
    try:
        return Manifest.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError("there is no partition folder with a manifest", file=path) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the manifest can't be read: {error}", file=path) from None
    except DataError as error:
        raise DataError(str(error), file=path) from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _bound(value: object) -> float | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise TypeError(f"{value!r} is not a number")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is not an integer")
    return value
