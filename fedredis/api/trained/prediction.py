"""What a run's newest model says of a row."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fedredis.api.preparation import Rows
from fedredis.api.session import PathLike, session
from fedredis.api.trained.model_file import load
from fedredis.api.trained.unseen import unseen_in
from fedredis.arguments import checked
from fedredis.config import RunConfig, check_name
from fedredis.data.cuts.spec import Cut
from fedredis.data.meaning import digest, number
from fedredis.data.reading import Reading
from fedredis.errors import FedredisError, UsageError
from fedredis.exchanges import Setup
from fedredis.store import runs

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    from numpy.typing import NDArray
    from redis import Redis

    from fedredis.arrays import Arrays, Named
    from fedredis.data.source import Frame
    from fedredis.data.table import Table
    from fedredis.features import Column


#: What a config says of its rows' source where nobody knows it.
UNKNOWN = "unknown"
#: Rows by their artist.
ARTIST = Cut.parse("column:artist")

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
    odd: list[str] = []
    if values is not None:
        row = _row_of(values, config)
    else:
        row, odd = _look_up(str(song), artist, Rows.of(data, Reading(**reading)), config)
    X = row[np.newaxis]
    try:
        told = trained.predict(X, allow_models)[0].tolist()
        odd += unseen_in(Setup(config).features, trained.known, X)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise FedredisError(f"the model of run {run} can't be used: {error!r}") from error
    if not config.classes:
        return Prediction(run, told[0], {}, tuple(odd))
    probabilities = dict(zip(config.classes, told, strict=True))
    answer = max(probabilities, key=probabilities.__getitem__)
    return Prediction(run, answer, probabilities, tuple(odd))


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
    config = RunConfig(
        dataset=said.dataset,
        columns=said.columns,
        classes=said.classes,
        slaves=1,
        rows=1,
        features=said.features,
        missing=said.missing,
        model=said.model,
        label=said.label,
        source=UNKNOWN,
    )
    return said.run, Trained(config, saved.known, list(saved.parameters.values()))


def _row_of(values: Mapping[str, Value], config: RunConfig) -> NDArray[np.float64]:
    """Put values into a row, in the order of the run's columns."""
    fills = config.missing == "mean"
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
        return digest(value)
    try:
        found = number(value)
    except ValueError:
        found = np.inf
    if np.isinf(found):
        raise UsageError(f"`values`: {column.name} must be a number, not {value!r}")
    return found


def _look_up(
    song: str, artist: str | None, rows: Rows, config: RunConfig
) -> tuple[NDArray[np.float64], list[str]]:
    """Find a song's row by its name; say which it is, if there are several."""
    source = rows.data
    if source is None and config.source == UNKNOWN:
        raise UsageError("a file of a model does not say where songs are: give `data`")
    if source is None and config.source != "synthetic":
        source = Path(config.source)
    rows = replace(rows, data=source)
    if isinstance(source, Path) and (not source.exists() or rows.folder):
        raise UsageError(
            "the songs' names are not at hand: give `data` with the CSV file or the folder that "
            "the partitions were cut from, or give `values`"
        )
    if source is not None and not (isinstance(source, Path) and source.is_dir()):
        # It imports pandas, as reading a file does.
        from fedredis.data.dates import dates_among, parts

        kinds = {column.name: column.kind for column in config.columns}
        days = rows.reading.dates or dates_among(kinds)
        made = {part for each in days for part in parts(each.partition("=")[0])}
        columns = rows.reading.columns or [name for name in kinds if name not in made]
        reading = replace(
            rows.reading,
            label=rows.reading.label or config.label,
            columns=[*columns, *(each.partition("=")[0] for each in days)],
            dates=days,
            categories=[name for name in columns if kinds.get(name) == "category"],
            # Rows that the run has left out can't be told the class of either.
            missing="mean" if config.missing == "mean" else "drop",
            task="classify" if config.classes else "regress",
        )
        rows = replace(rows, reading=reading)
    table = _with_artists(rows, config.seed)
    if table.names is None:
        raise UsageError(f"{table.source} has no names of songs: give `values`")
    if [c.name for c in table.columns] != [c.name for c in config.columns]:
        raise UsageError(f"{table.source} has other columns than the run's {config.dataset}")
    (found,) = np.nonzero(np.asarray(table.names) == song)
    if len(found) == 0:
        raise UsageError(f"there is no song named {song!r} in {table.source}")
    place, odd = _choose(found.tolist(), song, artist, table)
    row: NDArray[np.float64] = table.X[place]
    return row, odd


def _with_artists(rows: Rows, seed: int) -> Table:
    """Read a table, with its rows' artists as groups if it names them."""
    if rows.data is not None:
        with suppress(UsageError):
            return replace(rows, by=ARTIST).read(seed)
    return rows.read(seed)


def _choose(
    found: list[int], song: str, artist: str | None, table: Table
) -> tuple[int, list[str]]:
    """Choose one of the rows of a name; say which, and what the others are."""
    artists = table.groups
    if artist is not None:
        there = [] if artists is None else sorted({artists[place] for place in found})
        found = [place for place in found if artists is not None and artists[place] == artist]
        if not found:
            told = f"; there are those of: {', '.join(there)}" if there else ""
            raise UsageError(f"`artist`: {artist!r} has no song named {song!r}{told}")
    if len(found) == 1:
        return found[0], []
    several = f"{len(found)} rows are called {song!r}: the first one is taken"
    if artists is None:
        return found[0], [several]
    others = dict.fromkeys(artists[place] for place in found)
    del others[mine := artists[found[0]]]
    if not others:
        return found[0], [f"{several}; all are of {mine}"]
    listed = ", ".join(others)
    return found[0], [f"{several}, that of {mine}; `artist` chooses, others are of: {listed}"]
