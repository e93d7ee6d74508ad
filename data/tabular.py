"""Writing a frame to a file, in the format that the file's name tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd


def writer(path: Path) -> Callable[[pd.DataFrame, Path], None]:
    """Choose what writes a file, by the end of its name."""
    ends = [end.lower() for end in path.suffixes]
    packed: Any = "gzip" if ends[-1:] == [".gz"] else None
    end = ends[-2 if packed else -1] if len(ends) > bool(packed) else ""
    if end in (".csv", ".tsv"):
        sep = "\t" if end == ".tsv" else ","
        return lambda frame, to: frame.to_csv(to, index=False, sep=sep, compression=packed)
    if end == ".jsonl":
        return lambda frame, to: frame.to_json(
            to, orient="records", lines=True, date_format="iso", compression=packed
        )
    if end in (".parquet", ".pq") and not packed:
        return lambda frame, to: frame.to_parquet(to, index=False)
    raise UsageError(
        "must end in .csv, .tsv, .jsonl (or .gz behind them) or .parquet", field="out"
    )
