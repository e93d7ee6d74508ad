"""Pictures of runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fedredis.api.inspection import RunRecord, read_record
from fedredis.api.session import PathLike, session
from fedredis.api.writing import new_file
from fedredis.arguments import checked
from fedredis.config import check_name
from fedredis.errors import FedredisError, UsageError
from fedredis.exchanges import Setup

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: What a picture can be, by the end of its file's name.
SUFFIXES = (".png", ".svg", ".pdf")


@checked
def plot(
    runs: str | Sequence[str],
    out: PathLike,
    *,
    force: bool = False,
    redis_url: str | None = None,
    home: PathLike = ".fedredis",
) -> Path:
    """Draw a run, or several over each other; return the path of the picture.

    It shows accuracy and loss by round, how far the slaves are apart, and the confusion matrix of
    the model that a run stands for; of up to three runs each, of more that of the first. Where
    numbers are predicted, it is R^2 and the squared error by round. Needs the extra
    ``fedredis[plot]``.

    Parameters
    ----------
    runs
        Ids of the runs; they must have the same kind of labels, classes or numbers.
    out
        The file: ``.png``, ``.svg`` or ``.pdf``.
    force
        Replace it, if there is one already.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    UsageError
        If the file's name ends otherwise, no run is named, or they can't be compared.
    DataError
        If the file can't be written, or is there already.
    FedredisError
        If a model of a run has not been tested yet, or Redis can't be reached.
    """
    draw = _drawing(Path(out))
    path = new_file(out, force=force)
    named = dict.fromkeys(runs)
    for run in named:
        check_name(run, "run")
    if not named:
        raise UsageError("name a run to draw")
    with session(redis_url, home) as opened:
        records = [read_record(opened.client, run) for run in named]
    for record in records:
        if all(name.kind != "evaluate" for name in record.history):
            raise FedredisError(
                f"run {record.state.run} has no tested round yet: there is nothing to draw"
            )
    primaries = {Setup(record.state.config).measure.primary: record for record in records}
    if len(primaries) > 1:
        told = ", ".join(f"{name} of run {r.state.run}" for name, r in primaries.items())
        raise UsageError(f"these can't be drawn over each other: {told}")
    draw(records, path)
    return path


def _drawing(path: Path) -> Callable[[Sequence[RunRecord], Path], None]:
    """Return what draws, before anything is looked up."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"`out={path}`: name the picture {', '.join(SUFFIXES)}")
    try:
        from fedredis.api.study.run_picture import draw
    except ImportError:
        raise UsageError(
            "plot draws with matplotlib, which is not there: pip install 'fedredis[plot]'"
        ) from None
    return draw
