"""Pictures of runs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from fedredis.api.inspection import read_record
from fedredis.api.nodes import read_nodes
from fedredis.api.session import PathLike, session
from fedredis.api.writing import new_file
from fedredis.arguments import checked
from fedredis.config import check_name
from fedredis.errors import FedredisError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedredis.api.inspection import RunRecord

#: What a picture can be, by the end of its file's name.
SUFFIXES = (".png", ".svg", ".pdf")
#: How many runs' nodes are drawn beside each other.
SIDE_BY_SIDE = 3


@checked
def plot(
    runs: str | Sequence[str],
    out: PathLike,
    *,
    nodes: bool = False,
    force: bool = False,
    redis_url: str | None = None,
    home: PathLike = ".fedredis",
) -> Path:
    """Draw a run, or several over each other; return the path of the picture.

    It shows accuracy and loss by round, how far the slaves are apart, and the confusion matrix of
    the model that a run stands for; of up to three runs each, of more that of the first. Where
    numbers are predicted, it is R^2 and the squared error by round. Of a run that asks something
    it is the survival curves, or the coefficients with their intervals. With `nodes` it shows what
    the processes of the runs have used, side by side: cores by time, of all together and of each.
    Needs the extra ``fedredis[plot]``.

    Parameters
    ----------
    runs
        Ids of the runs; they must have the same kind of labels, classes or numbers.
    out
        The file: ``.png``, ``.svg`` or ``.pdf``.
    nodes
        Draw what the processes have used, of up to three runs.
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
        If a model of a run has not been tested yet, nothing is known of its nodes, or Redis can't
        be reached.
    """
    path = picture(out, force=force)
    from fedredis.api.study.canvas import save
    from fedredis.api.study.node_picture import figure_of as figure_of_nodes
    from fedredis.api.study.run_picture import figure_of

    named = dict.fromkeys(runs)
    for run in named:
        check_name(run, "run")
    if not named:
        raise UsageError("name a run to draw")
    if nodes and len(named) > SIDE_BY_SIDE:
        raise UsageError(f"of at most {SIDE_BY_SIDE} runs at once", field="nodes")
    with session(redis_url, home) as opened:
        if nodes:
            used = [read_nodes(opened.client, run) for run in named]
        else:
            records = [read_record(opened.client, run) for run in named]
    if nodes:
        for one in used:
            if not one.series:
                raise FedredisError(
                    f"run {one.run} has no samples of its nodes: none yet, or it ended a week ago"
                )
        save(figure_of_nodes(used), path)
    elif answer := next((record.answer for record in records if record.answer), None):
        from fedredis.api.study.answer_picture import figure_of as figure_of_answer

        if len(records) > 1:
            raise UsageError(f"run {answer.run} asks something: it is drawn alone")
        save(figure_of_answer(answer), path)
    else:
        _check(records)
        save(figure_of(records), path)
    return path


def picture(out: PathLike, *, force: bool = False) -> Path:
    """Return where a picture is to be, before anything is looked up.

    Raises
    ------
    UsageError
        If the file's name ends otherwise, or matplotlib is not there.
    DataError
        If the file is there already.
    """
    if Path(out).suffix.lower() not in SUFFIXES:
        raise UsageError(f"`out={out}`: name the picture {', '.join(SUFFIXES)}")
    if find_spec("matplotlib") is None:
        raise UsageError(
            "plot draws with matplotlib, which is not there: pip install 'fedredis[plot]'"
        )
    return new_file(out, force=force)


def _check(records: Sequence[RunRecord]) -> None:
    """See that runs can be drawn over each other."""
    for record in records:
        if not record.tests:
            raise FedredisError(
                f"run {record.state.run} has no tested round yet: there is nothing to draw"
            )
        if all(test.get(record.measure.primary) is None for test in record.tests.values()):
            raise FedredisError(
                f"no slave of run {record.state.run} holds out rows: no figure says how good it "
                "is, and there is nothing to draw"
            )
    primaries = {record.measure.primary: record for record in records}
    if len(primaries) > 1:
        told = ", ".join(f"{name} of run {r.state.run}" for name, r in primaries.items())
        raise UsageError(f"these can't be drawn over each other: {told}")
