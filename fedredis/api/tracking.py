"""A run in MLflow's own store: its config, its figures by round, its model as a file."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedredis.api.inspection import read_record
from fedredis.api.trained.export import write_model
from fedredis.errors import FedredisError, UsageError
from fedredis.exchanges import finished
from fedredis.metrics import FIGURES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlflow import MlflowClient
    from redis import Redis

    from fedredis.api.inspection import RunRecord
    from fedredis.store.runs import RunState

logger = logging.getLogger(__name__)

#: The experiment that runs are put into.
EXPERIMENT = "fedredis"
#: How MLflow calls the ends of a run; any other is a failure.
ENDS = {"finished": "FINISHED", "stopped": "KILLED"}
#: Figures that MLflow takes at once, and letters of a parameter that are kept.
BATCH, LETTERS = 1000, 500


def check_mlflow() -> None:
    """See that MLflow is there.

    Raises
    ------
    UsageError
        If it is not.
    """
    if find_spec("mlflow") is None:
        raise UsageError(
            "needs MLflow, which is not there: pip install 'fedredis[mlflow]'", field="mlflow"
        )


@contextmanager
def tracked(client: Redis, state: RunState, uri: str) -> Iterator[None]:
    """Log a run to a store of MLflow's: what it is to do, and at the end what it came to.

    What goes wrong at the end is logged as a warning: the run itself is in Redis.

    Raises
    ------
    FedredisError
        If it does not take the run.
    """
    mlflow, id_ = _begin(state, uri)
    try:
        yield
    finally:
        try:
            _end(mlflow, id_, client, state.run)
        except Exception as error:
            logger.warning("MLflow did not take all of run %s: %s", state.run, _line(error))


def _begin(state: RunState, uri: str) -> tuple[MlflowClient, str]:
    # It would tell its makers of each use.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient

    try:
        client = MlflowClient(tracking_uri=uri)
        experiment = client.get_experiment_by_name(EXPERIMENT)
        there = experiment.experiment_id if experiment else client.create_experiment(EXPERIMENT)
        run = client.create_run(there, run_name=state.run, tags={"fedredis.run": state.run})
        told = {name: value for name, value in vars(state.config).items() if name != "columns"}
        for name, value in {**told, "columns": len(state.config.columns)}.items():
            client.log_param(run.info.run_id, name, str(value)[:LETTERS])
    except Exception as error:
        raise FedredisError(f"MLflow at {uri} does not take the run: {_line(error)}") from error
    return client, run.info.run_id


def _end(mlflow: MlflowClient, id_: str, client: Redis, run: str) -> None:
    record = read_record(client, run)
    figures = _figures(record)
    for first in range(0, len(figures), BATCH):
        mlflow.log_batch(id_, metrics=figures[first : first + BATCH])
    if record.state.status == "finished":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.npz"
            write_model(client, run, path)
            mlflow.log_artifact(id_, str(path))
    elif record.state.error:
        mlflow.set_tag(id_, "fedredis.error", record.state.error)
    mlflow.set_terminated(id_, ENDS.get(record.state.status, "FAILED"))


def _figures(record: RunRecord) -> list[Any]:
    """Make MLflow's metrics of a history: figures of tests by name, others as ``train.ms``."""
    from mlflow.entities import Metric

    now, found = int(time.time() * 1000), []
    for name, entry in record.history.items():
        trained = finished(name, entry) is not None
        for what, value in entry.items() if trained or name.kind == "evaluate" else ():
            if isinstance(value, int | float):
                called = what if what in FIGURES else f"{name.kind}.{what}"
                found.append(Metric(called, float(value), now, name.number))
    return found


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
