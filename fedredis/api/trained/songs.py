"""The rows that a run was made of, by their names: songs, in the demonstration."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from fedredis.data.cuts.spec import Cut
from fedredis.data.meaning import composed
from fedredis.errors import UsageError
from fedredis.printable import item

if TYPE_CHECKING:
    from fedredis.api.preparation import Rows
    from fedredis.config import RunConfig
    from fedredis.data.table import Table

#: What a config says of its rows' source where nobody knows it.
UNKNOWN = "unknown"
#: Rows by their artist.
ARTIST = Cut.parse("column:artist")


@dataclass(frozen=True, eq=False)
class Songs:
    """Rows with names."""

    table: Table

    @classmethod
    def of(cls, rows: Rows, config: RunConfig) -> Songs:
        """Read the rows of a run again, or those that are given.

        Raises
        ------
        DataError
            If they can't be used.
        UsageError
            If they are not at hand, have no names, or other columns than the run's.
        """
        source = rows.data
        if source is None and config.source == UNKNOWN:
            raise UsageError("a file of a model does not say where songs are: give `data`")
        if source is None and config.source != "synthetic":
            source = Path(config.source)
        rows = replace(rows, data=source)
        if isinstance(source, Path) and (not source.exists() or rows.folder):
            raise UsageError(
                "the songs' names are not at hand: give `data` with the CSV file or the folder "
                "that the partitions were cut from, or give `values`"
            )
        if source is not None and not (isinstance(source, Path) and source.is_dir()):
            # Rows that the run has left out can't be told the class of either.
            missing = "mean" if config.reading.missing == "mean" else "drop"
            given = {"missing": missing, **rows.reading.as_dict}
            reading = replace(config.reading.of(config.columns), **given)
            rows = replace(rows, reading=reading)
        table = _with_artists(rows, config.seed)
        if table.names is None:
            raise UsageError(f"{table.source} has no names of songs: give `values`")
        if [c.name for c in table.columns] != [c.name for c in config.columns]:
            raise UsageError(f"{table.source} has other columns than the run's {config.dataset}")
        return cls(table)

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        """Where rows of a name are."""
        places: dict[str, list[int]] = {}
        for place, name in enumerate(self.table.names or ()):
            places.setdefault(_bare(name), []).append(place)
        return places

    @cached_property
    def _artists(self) -> list[str] | None:
        """Whose each row is, if the rows tell it."""
        groups = self.table.groups
        return None if groups is None else [_bare(artist) for artist in groups]

    def suggest(self, text: str, most: int) -> list[tuple[str, str]]:
        """List names that hold a text, those first that begin with it, each with its artist.

        A name comes once for each artist; the artist is empty where the rows tell none.
        """
        wanted = text.casefold()
        folded = [(name, name.casefold()) for name in self._places]
        begin = (name for name, lower in folded if lower.startswith(wanted))
        inside = (name for name, lower in folded if wanted in lower[1:])
        artists = self.table.groups
        found = (
            (name, "" if artists is None else artists[place])
            for name in dict.fromkeys([*islice(begin, most), *islice(inside, most)])
            for place in self._places[name]
        )
        return list(islice(dict.fromkeys(found), most))

    def truth(self, place: int) -> str | float:
        """Tell the label of a row."""
        label = self.table.y[place]
        return self.table.classes[int(label)] if self.table.classes else float(label)

    def find(self, song: str, artist: str | None = None) -> tuple[int, list[str]]:
        """Find the row of a name; say which it is, and what the others are, if there are several.

        Raises
        ------
        UsageError
            If there is none.
        """
        found = self._places.get(_bare(song), [])
        artists = self._artists
        if not found:
            raise UsageError(f"there is no song named {song!r} in {self.table.source}")
        if artist is not None:
            there = [] if artists is None else sorted({artists[place] for place in found})
            found = [
                place for place in found if artists is not None and artists[place] == _bare(artist)
            ]
            if not found:
                told = f"; there are those of: {', '.join(map(item, there))}" if there else ""
                raise UsageError(f"`artist`: {artist!r} has no song named {song!r}{told}")
        if len(found) == 1:
            return found[0], []
        several = f"{len(found)} rows are called {song!r}: the first one is taken"
        if artists is None:
            return found[0], [several]
        others = dict.fromkeys(artists[place] for place in found)
        del others[mine := artists[found[0]]]
        if not others:
            return found[0], [f"{several}; all are of {item(mine)}"]
        listed = ", ".join(map(item, others))
        return found[0], [
            f"{several}, that of {item(mine)}; `artist` chooses, others are of: {listed}"
        ]


def _bare(name: str) -> str:
    """Return a name as it is looked for: of spaces around it, and of accents apart, nothing."""
    return composed(name).strip()


def _with_artists(rows: Rows, seed: int) -> Table:
    """Read a table, with its rows' artists as groups if it names them."""
    if rows.data is not None:
        with suppress(UsageError):
            return replace(rows, by=ARTIST).read(seed)
    return rows.read(seed)
