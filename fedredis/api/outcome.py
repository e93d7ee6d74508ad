"""What a run came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fedredis.arrays import Schema
from fedredis.errors import FedredisError
from fedredis.exchanges import TRAINING
from fedredis.exchanges.hiding import masked_name
from fedredis.keys import RoundName
from fedredis.metrics import FIGURES
from fedredis.store import runs

if TYPE_CHECKING:
    from redis import Redis


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
    #: What may mislead in all that, a line each.
    warnings: tuple[str, ...] = ()


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
    told = runs.slaves(client, run_id)
    history = runs.history(client, run_id)
    test = history.get(RoundName("evaluate", state.chosen))
    rounds = {name: entry["ms"] for name, entry in history.items() if "ms" in entry}
    # Under masks a round is two, one after the other.
    times = [
        ms + rounds.get(masked_name(name), 0.0)
        for name, ms in rounds.items()
        if name.kind in TRAINING
    ]
    if model is None or test is None:
        raise FedredisError(f"run {run_id} has no model that was evaluated")
    p50, p95 = np.percentile(times or [0], [50, 95]).tolist()
    return Outcome(
        run=run_id,
        slaves=state.config.slaves,
        workers=workers or len({b.get("worker") for bundles in told.values() for b in bundles}),
        rounds=state.round,
        **{name: test.get(name) for name in (*FIGURES, "confusion")},
        seconds=round(seconds, 3),
        setup_seconds=round(setup_seconds, 3),
        round_ms={"p50": round(p50, 3), "p95": round(p95, 3)},
        weights_sha256=Schema.of(model).sha256(list(model.values())),
        redis_url=redis_url,
        chosen=state.chosen,
        warnings=tuple(runs.warnings(client, run_id)),
    )
