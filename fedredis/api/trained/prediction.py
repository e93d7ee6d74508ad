"""What a run's newest model says of a row."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fedredis.api.preparation import Rows
from fedredis.api.session import PathLike, session
from fedredis.api.trained.model_file import load
from fedredis.api.trained.songs import UNKNOWN, Songs
from fedredis.api.trained.unseen import unseen_in
from fedredis.arguments import checked
from fedredis.config import RunConfig, check_name
from fedredis.data.meaning import digest, number
from fedredis.data.reading import Reading, dates_among
from fedredis.errors import FedredisError, UsageError
from fedredis.exchanges import Setup
from fedredis.printable import item
from fedredis.store import runs

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray
    from redis import Redis

    from fedredis.arrays import Arrays, Named
    from fedredis.data.source import Frame
    from fedredis.features import Column


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
    #: What is odd about the row, a line each.
    warnings: tuple[str, ...] = ()
    #: What the data says, of a row that was looked up.
    truth: str | float | None = field(default=None, compare=False)


@dataclass(frozen=True, eq=False)
class Trained:
    """The model that a run stands for, with all that it needs to predict."""

    config: RunConfig
    #: What the preprocessing knows, and the model's parameters.
    known: Named
    parameters: Arrays

    def predict(self, X: NDArray[Any], models: Collection[str] = ()) -> NDArray[Any]:
        """Predict for rows X (n, columns): probabilities (n, classes), or numbers (n, 1).

        `models` are those of the user's own that may be imported.
        """
        return Setup(self.config, models).predict(self.known, self.parameters, X)


@checked
def predict(
    run: str | None = None,
    *,
    model: PathLike | None = None,
    song: str | None = None,
    artist: str | None = None,
    values: Mapping[str, Value] | None = None,
    data: PathLike | Frame | None = None,
    redis_url: str | None = None,
    home: PathLike = ".fedredis",
    allow_models: Collection[str] = (),
    **reading: Any,
) -> Prediction:
    """Tell the class of a row, or its number, with a trained model.

    Parameters
    ----------
    run, model
        The run whose model it is, or, where there is no Redis, a file that `export` wrote.
    song
        A row's name; it is looked up in the run's data, or in that of `data`.
    artist
        Whose song it is, where several have the same name.
    values
        Or the row itself: a cell for each of the run's columns, a number or its text, or a
        category's. If the run fills missing cells, one may be None or left out.
    allow_models
        Models of your own, ``package.module:Class``, that may be imported if the run names one.
    reading
        How to read `data`, where the run does not say it: fields of
        `fedredis.data.reading.Reading`.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    UsageError
        If not one of `run` and `model`, and one of `song` and `values` is given, or the row can't
        be found or made of them.
    DataError
        If the file of the model, or the data, can't be used.
    FedredisError
        If the run has no trained model yet, or Redis can't be reached.
    """
    if (song is None) == (values is None):
        raise UsageError("give either `song` or `values`")
    if artist is not None and song is None:
        raise UsageError("`artist` says whose song is meant: give `song`, too")
    run, trained = trained_of(run, model, redis_url, home, allow_models)
    config = trained.config
    if values is not None:
        row = row_of(values, config)
        lacking = [column.name for column in config.columns if column.name not in values]
        line = f"no value is given for {', '.join(map(item, lacking))}: taken for missing"
        return told_of(run, trained, row, (line,) if lacking else (), models=allow_models)
    songs = Songs.of(Rows.of(data, Reading(**reading)), config)
    place, odd = songs.find(str(song), artist)
    prediction = told_of(run, trained, songs.table.X[place], odd, models=allow_models)
    return replace(prediction, truth=songs.truth(place))


def told_of(
    run: str,
    trained: Trained,
    row: NDArray[Any],
    odd: Sequence[str] = (),
    *,
    models: Collection[str] = (),
) -> Prediction:
    """Say what a model makes of a row, shape (columns,); `odd` is what is odd about it already.

    Raises
    ------
    FedredisError
        If the model can't be used.
    """
    config, X = trained.config, row[np.newaxis]
    try:
        with np.errstate(divide="raise", over="raise", invalid="raise"):
            told = trained.predict(X, models)[0].tolist()
        odd = (*odd, *unseen_in(Setup(config).features, trained.known, X))
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise FedredisError(f"the model of run {run} can't be used: {error!r}") from error
    if not config.classes:
        return Prediction(run, told[0], {}, odd)
    probabilities = dict(zip(config.classes, told, strict=True))
    answer = max(probabilities, key=probabilities.__getitem__)
    return Prediction(run, answer, probabilities, odd)


def trained_of(
    run: str | None,
    model: PathLike | None,
    redis_url: str | None,
    home: PathLike,
    models: Collection[str],
) -> tuple[str, Trained]:
    """Fetch a run's model, or read one from a file; return the id of its run, too.

    Raises
    ------
    UsageError
        If not one of `run` and `model` is given.
    """
    if (run is None) == (model is None):
        raise UsageError("give either `run` or `model`")
    if run is None:
        return _from_file(Path(str(model)), models)
    with session(redis_url, home) as opened:
        return run, read_trained(opened.client, check_name(run, "run"))


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
    return Trained(state.config, preprocessing, list(model.values()))


def _from_file(path: Path, models: Collection[str]) -> tuple[str, Trained]:
    """Read a model from a file; return the id of its run, too."""
    saved = load(path, allow_models=models)
    said = saved.description
    names = [column.name for column in said.columns]
    config = RunConfig(
        dataset=said.dataset,
        columns=said.columns,
        classes=said.classes,
        slaves=1,
        rows=1,
        features=said.features,
        reading=Reading(label=said.label, missing=said.missing, dates=dates_among(names)),
        model=said.model,
        source=UNKNOWN,
    )
    return said.run, Trained(config, saved.known, list(saved.parameters.values()))


def row_of(values: Mapping[str, Value], config: RunConfig) -> NDArray[np.float64]:
    """Put values into a row, in the order of the run's columns.

    Raises
    ------
    UsageError
        If one is missing, unknown, or can't be used.
    """
    fills = config.reading.missing == "mean"
    names = [column.name for column in config.columns]
    unknown = [name for name in values if name not in names]
    missing = [name for name in names if name not in values and not fills]
    if unknown or missing:
        wrong = [f"unknown: {', '.join(unknown)}"] if unknown else []
        wrong += [f"missing: {', '.join(missing)}"] if missing else []
        raise UsageError(f"`values` must name every column once; {'; '.join(wrong)}")
    cells = np.array([_cell(column, values.get(column.name)) for column in config.columns])
    if not fills and np.isnan(cells).any():
        name = names[int(np.isnan(cells).argmax())]
        raise UsageError(f"`values`: {name} is missing, and the run does not fill missing cells")
    return cells


def _cell(column: Column, value: Value) -> float:
    """Turn a value into what a partition has in its place; NaN if it is missing."""
    if column.kind == "category":
        if isinstance(value, dict | list | tuple | set):
            raise UsageError(f"`values`: {column.name} must be one category, not {value!r}"[:200])
        return digest(value)
    try:
        found = number(value)
    except ValueError:
        found = np.inf
    if np.isinf(found):
        raise UsageError(f"`values`: {column.name} must be a number, not {value!r}"[:200])
    return found
