"""What a model says of all rows of a file or frame: the rows, with its answers beside them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedredis.api.trained.prediction import trained_of
from fedredis.api.trained.unseen import unseen_in
from fedredis.api.writing import new_file
from fedredis.arguments import checked
from fedredis.data.reading import Reading, parts
from fedredis.data.whole import written_whole
from fedredis.errors import UsageError
from fedredis.exchanges import Setup

if TYPE_CHECKING:
    from collections.abc import Collection

    from fedredis.api.session import PathLike
    from fedredis.data.source import Frame

#: What is put before a class's name for the column of its probabilities.
PROBABILITY = "p_"


@dataclass(frozen=True, eq=False)
class Predicted:
    """Rows with what a model says of them."""

    run: str
    #: The rows as they came, with a frame's own index, then ``<label>_predicted``, then a
    #: probability for each class.
    frame: Frame
    #: What is odd about them, a line each.
    warnings: tuple[str, ...]


@checked
def predict_rows(
    data: PathLike | Frame,
    run: str | None = None,
    *,
    model: PathLike | None = None,
    out: PathLike | None = None,
    force: bool = False,
    redis_url: str | None = None,
    home: PathLike = ".fedredis",
    allow_models: Collection[str] = (),
    **reading: Any,
) -> Predicted:
    """Tell the class, or the number, of each row of a file or frame.

    Parameters
    ----------
    data
        The rows, in any format that a run reads; they need the run's columns, and no label.
    run, model
        The run whose model it is, or, where there is no Redis, a file that `export` wrote.
    out, force
        A file to write, by the end of its name CSV (perhaps .gz), .tsv, .parquet or .jsonl;
        `force` replaces one that is there.
    reading
        How the file is written, and the format of dates: fields of
        `fedredis.data.reading.Reading`.

    Raises
    ------
    UsageError
        If not one of `run` and `model` is given, or a column is missing.
    DataError
        If a cell can't be used, or is missing where the run does not fill it; if `out` can't be
        written, or is there already and not to be replaced by `force`.
    FedredisError
        If the run has no trained model yet, or Redis can't be reached.
    """
    how = Reading(**reading)
    target = None if out is None else new_file(out, force=force)
    # They import pandas, as reading a file does.
    from fedredis.data import formats
    from fedredis.data.rows import of_cells
    from fedredis.data.tabular import writer

    write = None if target is None else writer(target)

    name, trained = trained_of(run, model, redis_url, home, allow_models)
    config = trained.config
    opened = formats.opened(Path(data) if isinstance(data, str | os.PathLike) else data, how)
    cells = opened.cells(opened.header)  # as text: what is not used is to come out as it was
    X = of_cells(cells, config.columns, config.reading.missing, how.days)
    there = {*opened.header, *(part for day in opened.header for part in parts(day))}
    lacking = [column.name for column in config.columns if column.name not in there]
    told = trained.predict(X, allow_models)
    frame = cells.frame.copy(deep=False)
    answers = f"{config.reading.label or 'label'}_predicted"
    added: dict[str, Any] = {answers: told[:, 0]}
    if config.classes:
        best = told.argmax(axis=1)
        added = {answers: [config.classes[place] for place in best.tolist()]}
        added |= {f"{PROBABILITY}{c}": told[:, k] for k, c in enumerate(config.classes)}
    if twice := [column for column in added if column in frame]:
        raise UsageError(f"the rows have a column {twice[0]} already: rename it")
    frame = frame.assign(**added)
    if target is not None and write is not None:
        with written_whole(target) as scratch:
            write(frame, scratch)
    if not isinstance(data, str | os.PathLike):
        # So that the answers can be put beside what they are of.
        frame.index = data.index
    odd = [f"there is no column '{column}': all its cells are missing" for column in lacking]
    odd += [f"column '{name}' holds lists or objects: left out" for name in opened.nested]
    number = partial(cells.line, cells.path)
    odd += unseen_in(Setup(config).features, trained.known, X, number)
    return Predicted(name, frame, tuple(odd))
