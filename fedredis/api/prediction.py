"""What a run's newest model says of a row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fedredis import assembly
from fedredis.api.preparation import Rows
from fedredis.api.session import PathLike, session
from fedredis.config import check_name
from fedredis.data.manifest import NAME
from fedredis.errors import FedredisError, UsageError
from fedredis.store import runs

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray
    from redis import Redis

    from fedredis.config import RunConfig
    from fedredis.features.protocol import Column
    from fedredis.store.artifact import Artifact


#: A cell: a number, a category's text, or None where it is missing.
Value = float | str | None


@dataclass(frozen=True)
class Prediction:
    """What a model says of a row."""

    run: str
    #: The most probable class, or, where numbers are predicted, the number.
    answer: str | float
    #: How probable each class is; empty where numbers are predicted.
    probabilities: dict[str, float]


@dataclass(frozen=True)
class Trained:
    """The model that a run stands for, with all that it needs to predict."""

    config: RunConfig
    preprocessing: Artifact
    model: Artifact

    def predict(self, X: NDArray[Any], models: Collection[str] = ()) -> NDArray[Any]:
        """Predict for rows X (n, columns): probabilities (n, classes), or numbers (n, 1).

        `models` are those of the user's own that may be imported.
        """
        known = self.preprocessing.named
        inputs = assembly.features_of(self.config).transform(known, X)
        model = assembly.model_of(self.config, known, models)
        return model.predict(self.model.arrays, inputs)


def predict(
    run: str,
    *,
    song: str | None = None,
    values: Mapping[str, Value] | None = None,
    data: PathLike | None = None,
    label: str | None = None,
    columns: Sequence[str] | None = None,
    redis_url: str | None = None,
    home: PathLike = ".fedredis",
    allow_models: Collection[str] = (),
) -> Prediction:
    """Tell the class of a row, or its number, with the model that a run came to.

    Parameters
    ----------
    song
        A row's name; it is looked up in the run's data, or in that of `data`, which is read
        with `label` and `columns`.
    values
        Or the row itself: a cell for each of the run's columns, a number or its text, or a
        category's. If the run fills missing cells, one may be None or left out.
    allow_models
        Models of your own, ``package.module:Class``, that may be imported if the run names one.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    UsageError
        If not one of `song` and `values` is given, or the row can't be found or made of them.
    FedredisError
        If the run has no trained model yet, or Redis can't be reached.
    """
    check_name(run, "run")
    if (song is None) == (values is None):
        raise UsageError("give either --song NAME or --values COLUMN=VALUE,…")
    with session(redis_url, home) as opened:
        trained = read_trained(opened.client, run)
    config = trained.config
    if values is not None:
        row = _row_of(values, config)
    else:
        source = None if data is None else Path(data)
        row = _look_up(str(song), Rows(source, label, columns), config)
    told = trained.predict(row[np.newaxis], allow_models)[0].tolist()
    if not config.classes:
        return Prediction(run, told[0], {})
    probabilities = dict(zip(config.classes, told, strict=True))
    return Prediction(run, max(probabilities, key=probabilities.__getitem__), probabilities)


def read_trained(client: Redis, run: str) -> Trained:
    """Fetch the model that a run stands for.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    FedredisError
        If it has no trained model yet.
    """
    state = runs.read(client, run)
    preprocessing = runs.artifact(client, run, state.preprocessing)
    model = runs.artifact(client, run, f"model:{state.chosen}")
    if state.chosen == 0 or preprocessing is None or model is None:
        raise FedredisError(f"run {run} has no trained model yet: `fedredis resume {run}`")
    return Trained(state.config, preprocessing, model)


def _row_of(values: Mapping[str, Value], config: RunConfig) -> NDArray[np.float64]:
    """Put values into a row, in the order of the run's columns."""
    fills = config.missing == "mean"
    names = [column.name for column in config.columns]
    unknown = [name for name in values if name not in names]
    missing = [name for name in names if name not in values and not fills]
    if unknown or missing:
        wrong = [f"unknown: {', '.join(unknown)}"] if unknown else []
        wrong += [f"missing: {', '.join(missing)}"] if missing else []
        raise UsageError(f"--values must name every column once; {'; '.join(wrong)}")
    cells = np.array([_cell(column, values.get(column.name)) for column in config.columns])
    if not fills and np.isnan(cells).any():
        name = names[int(np.isnan(cells).argmax())]
        raise UsageError(f"--values: {name} is missing, and the run does not fill missing cells")
    return cells


def _cell(column: Column, value: Value) -> float:
    """Turn a value into what a partition has in its place; NaN if it is missing."""
    if column.kind == "category":
        # It imports pandas, which takes longer than all else here.
        from fedredis.data.categories import digest

        return digest("" if value is None else str(value))
    if value is None or (isinstance(value, str) and not value.strip()):
        return np.nan
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.inf
    if np.isinf(number):
        raise UsageError(f"--values: {column.name} must be a number, not {value!r}")
    return number


def _look_up(song: str, rows: Rows, config: RunConfig) -> NDArray[np.float64]:
    """Find a song's row by its name."""
    source = rows.data or (None if config.source == "synthetic" else Path(config.source))
    if source is not None and (not source.exists() or (source / NAME).exists()):
        raise UsageError(
            "the songs' names are not at hand: give --data with the CSV file or the folder that "
            "the partitions were cut from, or give --values"
        )
    rows = replace(rows, data=source)
    if source is not None and source.is_file():
        columns = rows.columns or [column.name for column in config.columns]
        kinds = {column.name: column.kind for column in config.columns}
        rows = replace(
            rows,
            label=rows.label or config.label,
            columns=columns,
            categories=[name for name in columns if kinds.get(name) == "category"],
            # Rows that the run has left out can't be told the class of either.
            missing="mean" if config.missing == "mean" else "drop",
            task="classify" if config.classes else "regress",
        )
    table = rows.read(config.seed)
    if table.names is None:
        raise UsageError(f"{table.source} has no names of songs: give --values")
    if [c.name for c in table.columns] != [c.name for c in config.columns]:
        raise UsageError(f"{table.source} has other columns than the run's {config.dataset}")
    (found,) = np.nonzero(np.asarray(table.names) == song)
    if len(found) == 0:
        raise UsageError(f"there is no song named {song!r} in {table.source}")
    row: NDArray[np.float64] = table.X[found[0]]
    return row
