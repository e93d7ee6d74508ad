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
    categories: Sequence[str] | None = None,
    missing: str = "error",
    task: str = "auto",
    fewest_classes: int = 2,
    seed: int = 0,
    by: str | None = None,
) -> Table:
    """Load a CSV or Parquet file, a folder of songs by decade, or, from None, generated songs.

    Parameters
    ----------
    label, columns, categories, missing, task, fewest_classes
        For a CSV or Parquet file; see `reading.read_file`.
    seed
        For generated songs.
    by
        The column whose values are the table's groups, whichever it is.

    Raises
    ------
    UsageError
        If a choice that is for a CSV or Parquet file is made with anything else, or generated
        songs don't have the column `by`.
    DataError
        If the data is not as it must be.
    """
    # pandas is imported only by who reads a file.
    if data is not None and not data.is_dir():
        from fedredis.data.reading import read_file

        return read_file(
            data,
            label=label,
            columns=columns,
            categories=categories,
            missing=missing,
            task=task,
            fewest_classes=fewest_classes,
            by=by,
        )
    if (label, columns, categories, missing, task) != (None, None, None, "error", "auto"):
        raise UsageError(
            "label, columns, categories, missing cells and task are chosen for a CSV or Parquet "
            "file only"
        )
    if data is None:
        return synthetic.generate(seed=seed, by=by)
    from fedredis.data.decades import read_decades

    return read_decades(data, by=by)
