"""Where a run's rows come from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fedredis.data.reading import UNSAID
from fedredis.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from fedredis.data.reading import Reading
    from fedredis.data.table import Table

    Frame = pd.DataFrame


def load(
    data: Path | Frame | None,
    reading: Reading = UNSAID,
    *,
    fewest_classes: int = 2,
    seed: int = 0,
    by: str | None = None,
) -> Table:
    """Load a file, a frame, a folder of songs, or, from None, a query's answer or generated songs.

    Parameters
    ----------
    reading, fewest_classes
        For a file or frame; see `file.read`.
    seed
        For generated songs.
    by
        The column whose values are the table's groups, whichever it is.

    Raises
    ------
    UsageError
        If something is said of how to read that is for a file or frame, with anything else, or
        generated songs don't have the column `by`.
    DataError
        If the data is not as it must be.
    """
    # What reads is imported by who needs it.
    if data is not None and reading.sql is not None:
        raise UsageError("`sql` is read instead of a file: give one of them")
    if reading.sql is not None or not (data is None or _is_folder(data)):
        from fedredis.data.file import read

        return read(data, reading, fewest_classes=fewest_classes, by=by)
    if said := ", ".join(f"`{name}`" for name in reading.as_dict):
        raise UsageError(f"{said} says how to read a file, a database or a frame")
    if not isinstance(data, Path):
        from fedredis.data import synthetic

        return synthetic.generate(seed=seed, by=by)
    from fedredis.data.decades import read_decades

    return read_decades(data, by=by)


def _is_folder(data: Path | Frame) -> bool:
    return isinstance(data, Path) and data.is_dir()
