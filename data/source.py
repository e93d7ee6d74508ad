"""Where a run's rows come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.data import synthetic
from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fedredis.data.table import Table


def load(
    data: Path | None,
    *,
    label: str | None = None,
    columns: Sequence[str] | None = None,
    seed: int = 0,
) -> Table:
    """Load a CSV file, a folder of songs by decade, or, from None, generated songs.

    Parameters
    ----------
    label, columns
        For a CSV file; see `reading.read_csv`.
    seed
        For generated songs.

    Raises
    ------
    UsageError
        If `label` or `columns` are given with anything but a CSV file.
    DataError
        If the data is not as it must be.
    """
    # pandas is imported only by who reads a CSV.
    if data is not None and not data.is_dir():
        from fedredis.data.reading import read_csv

        return read_csv(data, label=label, columns=columns)
    if label is not None or columns is not None:
        raise UsageError("the label and the columns can be chosen for a CSV file only")
    if data is None:
        return synthetic.generate(seed=seed)
    from fedredis.data.decades import read_decades

    return read_decades(data)
