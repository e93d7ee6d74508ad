"""A master's work on a run: take the lease, go on from what is committed, give the lease back."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import numpy as np

from fedredis import features, models
from fedredis.codec import Schema
from fedredis.coordinator import Coordinator, Progress
from fedredis.errors import FedredisError, LeaseHeldError, LeaseLostError
from fedredis.keys import RunKeys
from fedredis.store import runs
from fedredis.store.artifact import Artifact
from fedredis.store.master import MasterStore
from fedredis.strategies import FedAvg

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from fedredis.config import RunConfig
    from fedredis.coordinator import Dispatch, Report
    from fedredis.features.protocol import Features
    from fedredis.models.protocol import Model
    from fedredis.store.runs import RunState


def create_run(client: Redis, config: RunConfig) -> str:
    """Write a new run with its first model; return its id."""
    run_id = secrets.token_hex(4)
    _, model = parts(config)
    initial = model.initialise(np.random.default_rng([config.seed, 0]))
    runs.create(
        client,
        run_id,
        config,
        {
            "model:0": Artifact(model.schema(), initial),
            "preprocessing:0": Artifact(Schema(()), []),
        },
    )
    return run_id


def parts(config: RunConfig) -> tuple[Features, Model]:
    """Make the feature map and the model that a config names."""
    feature_map = features.make(config.features, config.columns)
    return feature_map, models.make(config.model, feature_map.width, len(config.classes))


def drive_run(
    client: Redis,
    run_id: str,
    *,
    dispatcher: Callable[[MasterStore, RunConfig], Dispatch],
    report: Report,
    clock: Callable[[], float],
) -> bool:
    """Drive a run from where it stands to its end, under the lease.

    Returns whether its end is on the server's disk, as far as the server can tell.

    Raises
    ------
    LeaseHeldError
        If another master is driving it.
    LeaseLostError
        If another master takes over.
    RoundFailedError
        If a round can't be completed.
    RunNotFoundError
        If there is no such run.
    """
    config = runs.read(client, run_id).config
    store = MasterStore(
        client, RunKeys(run_id), token=secrets.token_hex(8), lease_ms=config.lease_ms
    )
    _acquire(store, config, clock)
    try:
        coordinator = Coordinator(
            store,
            config,
            *parts(config),
            FedAvg(),
            dispatch=dispatcher(store, config),
            report=report,
            clock=clock,
        )
        # Read under the lease: nobody else moves the run any more.
        coordinator.drive(_progress(client, runs.read(client, run_id)))
    except LeaseLostError:
        raise
    except KeyboardInterrupt:
        store.release("stopped", "interrupted")
        raise
    except FedredisError as error:
        store.release("failed", str(error))
        raise
    return store.release("finished")


def _acquire(store: MasterStore, config: RunConfig, clock: Callable[[], float]) -> None:
    """Take the lease; one that a killed master left behind ends by itself, so wait that long."""
    deadline = clock() + config.lease_ms / 1000 + 0.5
    while True:
        try:
            store.acquire()
        except LeaseHeldError:
            left = deadline - clock()
            if left <= 0:
                raise
            # A live master is heard of; a dead one is silent until its lease has ended.
            store.wait(store.last_event(), min(left, 0.5))
        else:
            return


def _progress(client: Redis, state: RunState) -> Progress:
    model = runs.artifact(client, state.run_id, state.model)
    preprocessing = runs.artifact(client, state.run_id, state.preprocessing)
    if model is None or preprocessing is None:
        raise FedredisError(f"run {state.run_id} has lost its model: it can't be gone on with")
    tested = runs.evaluations(client, state.run_id)
    last = state.round
    return Progress(
        round=last,
        parameters=model.arrays,
        passes=int(state.preprocessing.partition(":")[2]),
        known=preprocessing.named,
        untested=tuple(n for n in (last - 1, last) if n >= 1 and n not in tested),
    )
