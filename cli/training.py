"""Driving a run from the command line: workers of its own, the wait for slaves, the progress."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from fedredis.cli import output
from fedredis.cli.outcome import read_outcome, render
from fedredis.cli.progress import RunProgress, waiting
from fedredis.connection import explain
from fedredis.errors import FedredisError
from fedredis.jobs.dispatch import Dispatcher
from fedredis.jobs.pool import WorkerPool
from fedredis.jobs.roster import wait_for_slaves
from fedredis.master import drive_run
from fedredis.store import runs

if TYPE_CHECKING:
    from pathlib import Path

    from fedredis.cli.session import Session


@dataclass(frozen=True)
class Terms:
    """How a command drives a run; none of it touches the result."""

    #: Worker processes to start; 0 to wait for slaves that bring their own.
    workers: int
    #: Where those workers' partitions are.
    partitions: Path
    wait_timeout: float
    as_json: bool
    #: When the command started, on the monotonic clock.
    started: float


def own_workers(given: int | None, redis_url: str | None, slaves: int) -> int:
    """Decide how many workers to start: as asked, else one a core with the embedded server."""
    if given is not None:
        return given
    return 0 if redis_url else min(slaves, os.cpu_count() or 1)


def train(session: Session, run_id: str, terms: Terms) -> None:
    """Drive a run to its end and print its outcome.

    Raises
    ------
    WaitTimeoutError
        If slaves do not come.
    FedredisError
        If the run can't be completed; the line says how to go on with it.
    """
    notes, clock = output.notes(), time.monotonic
    client = session.client
    state = runs.read(client, run_id)
    notes.print(f"run [bold]{run_id}[/]; look into Redis with: {session.hint}", soft_wrap=True)
    resume = f"fedredis resume {run_id}{session.options}"
    try:
        with ExitStack() as stack:
            pool = WorkerPool(session.url, terms.partitions, terms.workers)
            stack.enter_context(pool)
            if not terms.workers:
                with waiting(notes) as report:
                    wait_for_slaves(
                        client,
                        state.config.dataset,
                        state.config.slave_ids,
                        report=report,
                        deadline=clock() + terms.wait_timeout,
                        clock=clock,
                    )
            ready = clock()
            progress = stack.enter_context(RunProgress(notes, state.config.rounds, state.round))
            on_disk = drive_run(
                client,
                run_id,
                dispatcher=lambda store, config: Dispatcher(
                    client,
                    store,
                    config,
                    own_workers=terms.workers,
                    revive=pool.revive,
                    clock=clock,
                ),
                report=progress,
                clock=clock,
            )
    except KeyboardInterrupt:
        notes.print(f"stopped; go on with: {resume}", soft_wrap=True)
        raise
    except FedredisError as error:
        error.args = (f"{error}; go on with: {resume}",)
        raise
    except RedisError as error:
        away = explain(error, session.url)
        away.args = (f"{away}; go on with: {resume}",)
        raise away from error
    if not on_disk:
        notes.print("warning: the server has not put the end of the run on its disk yet")
    outcome = read_outcome(
        client,
        run_id,
        workers=terms.workers or _workers_of(session, run_id),
        seconds=clock() - terms.started,
        setup_seconds=ready - terms.started,
        redis_url=session.shown_url,
    )
    if terms.as_json:
        output.print_json(asdict(outcome))
    else:
        output.results().print(render(outcome, client))


def _workers_of(session: Session, run_id: str) -> int:
    state = runs.read(session.client, run_id)
    slaves = runs.slaves(session.client, run_id, state.config.slave_ids)
    return len({facts["worker"] for facts in slaves.values() if "worker" in facts})
