"""A master's work on a run: take the lease, go on from what is committed, give the lease back."""

from __future__ import annotations

import logging
import secrets
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

from fedredis.errors import (
    FedredisError,
    LeaseHeldError,
    LeaseLostError,
    RunGoneError,
    StateLostError,
    StopRequestedError,
)
from fedredis.exchanges import Setup
from fedredis.exchanges.plan import Progress
from fedredis.exchanges.plans import plan_of
from fedredis.keys import RunKeys
from fedredis.rounds.engine import Engine
from fedredis.store import runs
from fedredis.store.master import MasterStore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from redis import Redis

    from fedredis.arrays import Named
    from fedredis.config import RunConfig
    from fedredis.exchanges.plan import Plan
    from fedredis.keys import RoundName
    from fedredis.rounds.engine import Dispatch, Report

logger = logging.getLogger("fedredis.rounds")

#: How often in a row data may be lost with no round committed in between: more is no accident.
MOST_LOSSES = 5
#: Why a run is stopped.
INTERRUPTED, ASKED = "interrupted", "asked to stop"


def create_run(
    client: Redis,
    config: RunConfig,
    allowed: Collection[str] = (),
    run_id: str = "",
    holder: str = "",
) -> str:
    """Write a new run; return its id, which is drawn if none is given.

    `allowed` holds the models of users' own that this process may import; `holder` is the token
    of the master that is to drive it, and has the lease from now on, if one is there.

    Raises
    ------
    UsageError
        If what the config names does not exist or does not go together, or there is a run of
        that id.
    """
    Setup(config, allowed).check()
    run_id = run_id or secrets.token_hex(4)
    runs.create(client, run_id, config, holder)
    return run_id


def drive_run(
    client: Redis,
    run_id: str,
    *,
    dispatcher: Callable[[MasterStore, RunConfig], Dispatch],
    report: Report,
    clock: Callable[[], float],
    allowed: Collection[str] = (),
    token: str = "",
) -> bool:
    """Drive a run from where it stands to its end, under the lease.

    Where the server goes back to an older state meanwhile, so does the run: it goes on from what
    Redis says then, to the same bits. Rounds that were lost are reported again.

    `allowed` holds the models of users' own that this process may import, whatever the run names;
    `token` is what the lease is held with, if it is held already.

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
    RunGoneError
        If Redis has lost the run.
    StateLostError
        If Redis loses data again and again before a round can be committed.
    StopRequestedError
        If somebody has asked for it.
    UsageError
        If its model is not allowed here, or can't be made; the run is left as it is.
    """
    config = runs.read(client, run_id).config
    setup = Setup(config, allowed, run_id)
    setup.check()
    store = MasterStore(
        client, RunKeys(run_id), token=token or secrets.token_hex(8), lease_ms=config.lease_ms
    )
    _acquire(store, config, clock)
    losses = 0

    def committed(name: RoundName, entry: Mapping[str, Any]) -> None:
        nonlocal losses
        losses = 0
        report(name, entry)

    try:
        dispatch, plan = dispatcher(store, config), plan_of(setup)
        # How BLAS shares a product among threads decides its last bits, and threads would fight
        # with the workers for the cores.
        with threadpool_limits(1, user_api="blas"):
            while True:
                try:
                    with _ending(store):
                        engine = Engine(
                            store, plan, dispatch=dispatch, report=committed, clock=clock
                        )
                        # Read under the lease: nobody else moves the run any more.
                        engine.drive(_progress(client, run_id, plan))
                        return _finish(client, store, setup)
                except StateLostError as lost:
                    losses += 1
                    if losses > MOST_LOSSES:
                        store.release("failed", str(lost))
                        raise
                    logger.warning("goes on from what Redis says: %s", lost, extra={"run": run_id})
                    _acquire(store, config, clock)
    except KeyboardInterrupt:
        _stop(store, config, clock, INTERRUPTED)
        raise
    except StopRequestedError:
        _stop(store, config, clock, ASKED)
        raise


def _stop(store: MasterStore, config: RunConfig, clock: Callable[[], float], why: str) -> None:
    """Record that a run is stopped, also where the server goes back just then."""
    try:
        store.release("stopped", why)
    except StateLostError:
        _acquire(store, config, clock)
        store.release("stopped", why)


@contextmanager
def _ending(store: MasterStore) -> Iterator[None]:
    """Give the lease back where a run can't be gone on with.

    Raises
    ------
    StateLostError
        If the server has gone back: what was read half before that and half behind it may be
        wrong in any way, and nothing is wrong with the run.
    """
    try:
        yield
    except (LeaseLostError, RunGoneError, StateLostError, StopRequestedError):
        raise
    except FedredisError as error:
        store.release("failed", str(error))
        raise
    except SystemExit as error:
        # A model of the user's own: nobody else is to end this process, least of all in silence.
        store.release("failed", why := f"the run's model asks for an exit: {error}")
        raise FedredisError(why) from error
    except Exception as error:
        # Of the caller's own report, say: nothing of the run's is wrong.
        store.release("stopped", f"{type(error).__name__}: {error}")
        raise


def _finish(client: Redis, store: MasterStore, setup: Setup) -> bool:
    """Give the lease back at the run's end; what is of no use then goes first, or would stay."""
    if not setup.boosts and setup.strategy.remembers:
        store.forget_memories(setup.config.slave_ids)
    store.sweep()
    on_disk = store.release("finished")
    # Another server may have taken this one's place meanwhile: a new connection finds it.
    client.connection_pool.disconnect(inuse_connections=False)
    if runs.read(client, store.keys.run_id).status != "finished":
        raise StateLostError(f"run {store.keys.run_id}: its end is lost; resume the run")
    return on_disk


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
            store.hear(min(left, 0.5))
        else:
            return


def _progress(client: Redis, run_id: str, plan: Plan) -> Progress:
    """Read where a run stands.

    Raises
    ------
    FedredisError
        If it has lost what it needs to go on.
    """
    setup = plan.setup
    state, scores = runs.read(client, run_id), runs.scores(client, run_id, setup.measure.primary)
    untested = [number for number in range(1, state.round + 1) if number not in scores]
    names = [state.preprocessing, state.model, f"strategy:{state.round}"]
    names += [f"model:{number}" for number in untested]
    progress = Progress(
        round=state.round,
        preprocessing=state.preprocessing,
        model=state.model,
        converged=state.converged,
        growing=state.growing,
        scores=scores,
    )
    needed = plan.needed(progress)
    artifacts = _artifacts(client, run_id, [*names, *needed])
    progress = replace(progress, artifacts=artifacts)
    # What comes next depends on which models are there.
    wanted = _artifacts(client, run_id, plan.wanted(progress))
    if state.model and not setup.boosts:
        model = setup.model(artifacts.get(state.preprocessing, {}))
        needed += [f"strategy:{state.round}"] if setup.strategy.initial(model) else []
    if lost := sorted(set(needed) - artifacts.keys()):
        raise FedredisError(f"run {run_id} has lost its {lost[0]}: it can't be gone on with")
    return replace(progress, artifacts={**artifacts, **wanted})


def _artifacts(client: Redis, run_id: str, names: Iterable[str]) -> dict[str, Named]:
    """Read those of some artifacts that are there."""
    found = {name: runs.artifact(client, run_id, name) for name in dict.fromkeys(names) if name}
    return {name: arrays for name, arrays in found.items() if arrays is not None}
