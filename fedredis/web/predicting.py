"""Predictions: of a song by its name, of features as sliders say, of a file."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from flask import Blueprint, render_template, request, send_file
from werkzeug.utils import secure_filename

from fedredis.api.trained.prediction import row_of, told_of
from fedredis.api.trained.table import predict_rows
from fedredis.errors import DataError, FedredisError, UsageError
from fedredis.web.site import site

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Response
    from numpy.typing import NDArray

    from fedredis.api.trained.prediction import Prediction, Value
    from fedredis.api.trained.songs import Songs
    from fedredis.features.protocol import Column
    from fedredis.store.runs import RunState

#: Runs to choose from, and names that are suggested.
CHOICE, SUGGESTED = 50, 12
#: What the name of a column's field begins with.
CELL = "cell:"
#: Shares of the rows that lie below a slider's ends.
ENDS = (0.5, 99.5)

blueprint = Blueprint("predicting", __name__)


def predict(
    run: str | None = None,
    *,
    song: str | None = None,
    artist: str | None = None,
    values: Mapping[str, Value] | None = None,
) -> Prediction:
    """Predict by a model that was read already, a song that is looked up or a row of values.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    UsageError
        If not one of `song` and `values` is given, or there is no such song, or the values are
        not those of the run's columns.
    FedredisError
        If the run has no model yet.
    """
    if (song is None) == (values is None):
        raise UsageError("give either `song` or `values`")
    state = site().models.choose(run)
    trained = site().models.trained(state)
    if values is not None:
        return told_of(state.run, trained, row_of(values, state.config))
    songs = site().models.songs(state.config)
    place, odd = songs.find(str(song), artist or None)
    told = told_of(state.run, trained, songs.table.X[place], odd)
    return replace(told, truth=songs.truth(place))


@dataclass(frozen=True)
class Slider:
    """A column of numbers, and where most rows are."""

    name: str
    low: float
    high: float
    value: float
    #: Whether all its cells are whole numbers.
    whole: bool = False

    @property
    def step(self) -> float:
        """A step that is neither too coarse nor longer to write than need be."""
        return 1.0 if self.whole else float(10 ** np.floor(np.log10((self.high - self.low) / 100)))


@blueprint.get("/predict")
def page() -> str:
    """Show what can be predicted, and, of a song that is named, what it is."""
    choice = list(islice(site().models.usable(), CHOICE))
    wanted = request.args.get("run")
    if not choice and not wanted:
        return render_template("predict.html", choice=[], state=None)
    state = site().models.choose(wanted or choice[0].run)
    # Without a model there is nothing to look at.
    site().models.trained(state)
    song, artist = request.args.get("song"), request.args.get("artist")
    prediction, wrong = None, ""
    if song:
        try:
            prediction = predict(state.run, song=song, artist=artist)
        except FedredisError as error:
            wrong = str(error)
    songs = _songs(state)
    return render_template(
        "predict.html",
        choice=choice,
        state=state,
        named=songs is not None,
        cell=CELL,
        sliders=_sliders(state, songs),
        others=[c.name for c in state.config.columns if c.kind != "number"],
        prediction=prediction,
        wrong=wrong,
        song=song or "",
        artist=artist or "",
    )


@blueprint.get("/predict/result")
def result() -> str:
    """Show what a row of values is taken for: the part of the page that changes."""
    values = {n.removeprefix(CELL): v for n, v in request.args.items() if n.startswith(CELL)}
    try:
        found = predict(request.args.get("run"), values=values)
        return render_template("result.html", prediction=found)
    except FedredisError as error:
        return render_template("result.html", prediction=None, wrong=str(error))


@blueprint.get("/api/songs")
def suggest() -> list[dict[str, str]]:
    """Suggest names of songs that hold a text."""
    state = site().models.choose(request.args.get("run"))
    found = site().models.songs(state.config).suggest(request.args.get("q", ""), SUGGESTED)
    return [{"song": name, "artist": artist} for name, artist in found]


@blueprint.post("/predict/csv")
def csv() -> Response:
    """Send a file back with the model's answers beside its rows."""
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        raise UsageError("choose a file of rows first")
    state = site().models.choose(request.form.get("run"))
    name = secure_filename(upload.filename) or "rows.csv"
    with tempfile.TemporaryDirectory() as scratch:
        source, out = Path(scratch) / name, Path(scratch) / "out.csv"
        upload.save(source)
        try:
            predict_rows(source, state.run, out=out, redis_url=site().redis_url, home=site().home)
        except DataError as error:
            raise UsageError(str(error).replace(f"{scratch}/", "")) from None
        # Open already when the folder goes.
        return send_file(
            out.open("rb"),
            mimetype="text/csv",
            as_attachment=True,
            download_name=f"{Path(name).stem}-{state.run}.csv",
        )


def _songs(state: RunState) -> Songs | None:
    """Read the rows that a run was made of, if they are at hand and have names."""
    with suppress(FedredisError):
        return site().models.songs(state.config)
    return None


def _sliders(state: RunState, songs: Songs | None) -> list[Slider]:
    """Make a slider of each column of numbers."""
    return [
        _slider(column, None if songs is None else songs.table.X[:, place])
        for place, column in enumerate(state.config.columns)
        if column.kind == "number"
    ]


def _slider(column: Column, cells: NDArray[np.float64] | None) -> Slider:
    """Make a slider that begins in the middle of the cells that there are."""
    low, high, value, whole = column.low, column.high, None, False
    there = np.empty(0) if cells is None else cells[np.isfinite(cells)]
    if len(there):
        whole = bool((there == np.round(there)).all())
        ends = np.percentile(there, ENDS).tolist()
        low, high = ends[0] if low is None else low, ends[1] if high is None else high
        value = float(np.median(there))
    if low is None or high is None or not low < high:
        low, high = 0.0, 1.0
    return Slider(column.name, low, high, (low + high) / 2 if value is None else value, whole)
