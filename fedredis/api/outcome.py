"""What a run came to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.errors import FedredisError
from fedredis.keys import Kind, Label
from fedredis.store import runs

if TYPE_CHECKING:
    from redis import Redis


#: The figures of a test, of a classifier's or of one that predicts numbers.
FIGURES = ("accuracy", "macro_f1", "log_loss", "confusion", "r2", "mse", "rmse", "mae")


@dataclass(frozen=True)
class Outcome:
    """A run's final measure, read from its history."""

    run: str
    slaves: int
    workers: int
    rounds: int
    #: Of a classifier; None where numbers are predicted, or no rows are held out.
    accuracy: float | None
    macro_f1: float | None
    log_loss: float | None
    #: true class by predicted class
    confusion: list[list[int]] | None
    #: From the call to the end of training, and what of it passed before round 1.
    seconds: float
    setup_seconds: float
    #: Milliseconds of a round of training, median and 95th percentile.
    round_ms: dict[str, float]
    weights_sha256: str
    redis_url: str
    #: The round whose model this is: the last one, or with patience the best.
    chosen: int
    #: Where numbers are predicted: R^2, mean squared error, its root, mean absolute error.
    r2: float | None = None
    mse: float | None = None
    rmse: float | None = None
    mae: float | None = None


def read_outcome(
    client: Redis,
    run_id: str,
    *,
    workers: int,
    seconds: float,
    setup_seconds: float,
    redis_url: str,
) -> Outcome:
    """Put together the outcome of a run that has been evaluated.

    `workers` is how many there were; 0: as many as the slaves have named.

    Raises
    ------
    FedredisError
        If the run has no evaluated model.
    """
    state = runs.read(client, run_id)
    model = runs.artifact(client, run_id, f"model:{state.chosen}")
    history = runs.history(client, run_id)
    test = history.get(Label(Kind.EVALUATE, state.chosen))
    times = [entry["ms"] for label, entry in history.items() if label.kind is Kind.TRAIN]
    if model is None or test is None:
        raise FedredisError(f"run {run_id} has no model that was evaluated")
    p50, p95 = np.percentile(times or [0], [50, 95]).tolist()
    return Outcome(
        run=run_id,
        slaves=state.config.slaves,
        workers=workers or _workers_of(client, state),
        rounds=state.round,
        **{name: figure(test.get(name)) for name in FIGURES},
        seconds=round(seconds, 3),
        setup_seconds=round(setup_seconds, 3),
        round_ms={"p50": round(p50, 3), "p95": round(p95, 3)},
        weights_sha256=model.sha256,
        redis_url=redis_url,
        chosen=state.chosen,
    )


def figure(told: Any) -> Any:
    """Return a figure of a test, None for one that is no number: there were no rows."""
    return None if isinstance(told, float) and not math.isfinite(told) else told


def _workers_of(client: Redis, state: runs.RunState) -> int:
    slaves = runs.slaves(client, state.run, state.config.slave_ids)
    return len({facts["worker"] for facts in slaves.values() if "worker" in facts})
