"""A master's work on a run: take the lease, go on from what is committed, give the lease back."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from fedredis import assembly
from fedredis.codec import Schema
from fedredis.connection import AWAY
from fedredis.coordinator import Coordinator, Progress
from fedredis.errors import FedredisError, LeaseHeldError, LeaseLostError
from fedredis.keys import RunKeys
from fedredis.store import runs
from fedredis.store.artifact import Artifact
from fedredis.store.master import MasterStore
from fedredis.strategies import Global

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from redis import Redis

    from fedredis.config import RunConfig
    from fedredis.rounds import Dispatch, Report
    from fedredis.store.runs import RunState


def create_run(client: Redis, config: RunConfig, allowed: Collection[str] = ()) -> str:
    """Write a new run; return its id.

    `allowed` holds the models of users' own that this process may import.

    Raises
    ------
    UsageError
        If what the config names does not exist or does not go together.
    """
    assembly.check(config, allowed)
    run_id = secrets.token_hex(4)
    runs.create(client, run_id, config, {"preprocessing:0": Artifact(Schema(()), [])})
    return run_id


def drive_run(
    client: Redis,
    run_id: str,
    *,
    dispatcher: Callable[[MasterStore, RunConfig], Dispatch],
    report: Report,
    clock: Callable[[], float],
    allowed: Collection[str] = (),
) -> bool:
    """Drive a run from where it stands to its end, under the lease.

    `allowed` holds the models of users' own that this process may import, whatever the run names.

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
    UsageError
        If its model is not allowed here, or can't be made; the run is left as it is.
    """
    config = runs.read(client, run_id).config
    assembly.check(config, allowed)
    store = MasterStore(
        client, RunKeys(run_id), token=secrets.token_hex(8), lease_ms=config.lease_ms
    )
    _acquire(store, config, clock)
    try:
        coordinator = Coordinator(
            store,
            config,
            dispatch=dispatcher(store, config),
            report=report,
            clock=clock,
            allowed=allowed,
        )
        # How BLAS shares a product among threads decides its last bits, and threads would fight
        # with the workers for the cores.
        with threadpool_limits(1, user_api="blas"):
            # Read under the lease: nobody else moves the run any more.
            coordinator.drive(_progress(client, runs.read(client, run_id)))
    except (LeaseLostError, *AWAY):
        # Nobody is there to be told; the lease ends by itself.
        raise
    except KeyboardInterrupt:
        store.release("stopped", "interrupted")
        raise
    except FedredisError as error:
        store.release("failed", str(error))
        raise
    except Exception as error:
        # Of the caller's own report, say: nothing of the run's is wrong.
        store.release("stopped", f"{type(error).__name__}: {error}")
        raise
    return store.release(
        "finished", forget=config.slave_ids if assembly.strategy_of(config).recalls else ()
    )


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
    preprocessing = runs.artifact(client, state.run, state.preprocessing)
    model = runs.artifact(client, state.run, state.model) if state.model else None
    if preprocessing is None or (model is None and state.model):
        raise FedredisError(f"run {state.run} has lost its model: it can't be gone on with")
    last, remembered = state.round, runs.artifact(client, state.run, f"strategy:{state.round}")
    current = Global(model.arrays, remembered.named if remembered else {}) if model else None
    scores = runs.scores(client, state)
    return Progress(
        round=last,
        current=current,
        passes=int(state.preprocessing.partition(":")[2]),
        known=preprocessing.named,
        untested=tuple(n for n in (last - 1, last) if n >= 1 and n not in scores),
        scores=scores,
        converged=state.converged,
    )
