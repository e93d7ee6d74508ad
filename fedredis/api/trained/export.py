"""A run's model as a file, to predict with where there is no Redis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fedredis.api.session import PathLike, session
from fedredis.api.trained import model_file
from fedredis.api.trained.model_file import Description
from fedredis.api.writing import new_file
from fedredis.arguments import checked
from fedredis.arrays import Schema
from fedredis.config import check_name
from fedredis.errors import DataError, FedredisError, UsageError
from fedredis.store import runs
from fedredis.store.replies import damaged

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from fedredis.arrays import Named
    from fedredis.store.runs import RunState

#: Rounds that have a name.
ROUNDS = ("best", "last")


@checked
def export(
    run: str,
    out: PathLike,
    *,
    round: str | None = None,  # noqa: A002
    force: bool = False,
    redis_url: str | None = None,
    home: PathLike = ".fedredis",
) -> Description:
    """Write the model of a run, with its preprocessing, to a file; return what that says of it.

    A file ``.npz`` is what `fedredis.load` reads. One ``.onnx`` is for any ONNX runtime, and
    needs the extra ``fedredis[onnx]``; see `fedredis.api.trained.onnx_file`.

    Parameters
    ----------
    round
        ``best``, by its test, or ``last``; if not given, the one that the run stands for, which
        is the best with patience and else the last.
    force
        Replace the file, if there is one already.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    UsageError
        If the file's name ends otherwise, or the model can't be put into such a file.
    DataError
        If the file can't be written, or is there already.
    FedredisError
        If there is no such model yet, or Redis can't be reached.
    """
    check_name(run, "run")
    save = _writer(Path(out))
    if round not in (None, *ROUNDS):
        raise UsageError(f"`round` must be one of {', '.join(ROUNDS)}, not {round!r}")
    path = new_file(out, force=force)
    with session(redis_url, home) as opened:
        return write_model(opened.client, run, path, save, round or "")


def write_model(
    client: Redis,
    run: str,
    path: Path,
    save: Callable[..., None] = model_file.save,
    which: str = "",
) -> Description:
    """Do what `export` does, to a file that may be replaced."""
    state = runs.read(client, run)
    number = {"best": state.best, "last": state.round}.get(which, state.chosen)
    parameters, known = _artifacts(client, state, number)
    config = state.config
    description = Description(
        run=run,
        round=number,
        dataset=config.dataset,
        label=config.reading.label or "",
        columns=config.columns,
        classes=config.classes,
        features=config.features,
        missing=config.reading.missing,
        model=config.model,
        sha256=Schema.of(parameters).sha256(list(parameters.values())),
    )
    try:
        # One of the user's own is not imported for that.
        if ":" not in config.model:
            model_file.fitted(description, parameters, known)
    except DataError as error:
        raise damaged(f"run {run}", f"its model: {error}") from None
    try:
        with np.errstate(divide="raise", over="raise", invalid="raise"):
            save(path, description, parameters, known)
    except ArithmeticError as error:
        raise damaged(f"run {run}", f"its model: {error}") from None
    return description


def _writer(path: Path) -> Callable[..., None]:
    """Choose what writes a file by how its name ends."""
    if path.suffix == ".npz":
        return model_file.save
    if path.suffix != ".onnx":
        raise UsageError(f"`out={path}`: name the file .npz, for fedredis.load, or .onnx")
    try:
        from fedredis.api.trained.onnx_file import save
    except ImportError:
        raise UsageError(
            f"`out={path}`: to write ONNX, install it: pip install 'fedredis[onnx]'"
        ) from None
    return save


def _artifacts(client: Redis, state: RunState, number: int) -> tuple[Named, Named]:
    """Fetch the model after a round, and the preprocessing."""
    model = runs.artifact(client, state.run, f"model:{number}") if number else None
    preprocessing = runs.artifact(client, state.run, state.preprocessing)
    if model is None or preprocessing is None:
        raise FedredisError(
            f"run {state.run} has no such model yet, or no more: `fedredis show "
            f"{state.run}` tells where it stands"
        )
    return model, preprocessing
