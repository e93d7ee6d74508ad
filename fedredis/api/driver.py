"""Driving a run to its end: workers of its own, the wait for slaves, the rounds."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from fedredis.api.answer import read_answer
from fedredis.api.standstill import Standstill
from fedredis.connection import explain
from fedredis.errors import (
    DataError,
    FedredisError,
    LeaseHeldError,
    RunGoneError,
    RunNotFoundError,
)
from fedredis.jobs.dispatch import Dispatcher
from fedredis.jobs.heartbeat import Heartbeat
from fedredis.jobs.roster import wait_for_slaves
from fedredis.jobs.vitals import Sampler
from fedredis.rounds.master import drive_run
from fedredis.store import runs
from fedredis.store.nodes import MASTER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from fedredis.api.answer import Answer
    from fedredis.api.outcome import Outcome
    from fedredis.api.request import Request
    from fedredis.api.session import Session
    from fedredis.config import RunConfig
    from fedredis.data.table import Account
    from fedredis.keys import RoundName
    from fedredis.rounds.beginning import Beginning
    from fedredis.rounds.engine import Report
    from fedredis.store.master import MasterStore

#: Takes a line that says what is going on.
Say = Callable[[str], None]


@dataclass(frozen=True)
class Driver:
    """A run that is to be driven from where it stands, and how; none of it touches the result."""

    session: Session
    #: What is asked of it.
    request: Request
    run: str
    #: Worker processes to start; 0 to wait for slaves that bring their own.
    workers: int
    #: Where the partitions are; None if the slaves alone know.
    partitions: Path | None
    #: Models of the user's own, ``package.module:Class``, that may be imported.
    models: Collection[str]
    #: When all of it began, on the monotonic clock.
    started: float
    #: What goes on with the run, if it is stopped: a command or a call.
    resume: str
    #: The time until the run is driven, ended by `begins`.
    beginning: Beginning
    begins: Callable[[], None]
    #: What was made of the columns and rows of a file, if one was read here.
    account: Account | None = None

    @property
    def state(self) -> runs.RunState:
        """Where the run stands."""
        return runs.read(self.session.client, self.run)

    def wait(self, say: Say) -> None:
        """Wait until every slave has a worker, or as long as may be for a quorum to have one.

        `say` is told who is waited for.

        Raises
        ------
        StopRequestedError
            If somebody asks for it.
        WaitTimeoutError
            If slaves do not come.
        """
        state = self.state
        if self.workers or state.status == "finished":
            return

        def look(line: str) -> None:
            self.beginning.heed()
            say(line)

        with self._resumable(), self.beginning.leaving():
            wait_for_slaves(
                self.session.client,
                state.config.dataset,
                state.config.slave_ids,
                enough=state.config.required(state.config.slaves),
                report=look,
                deadline=time.monotonic() + self.request.wait_timeout,
                clock=time.monotonic,
            )

    def drive(self, report: Report, say: Say) -> Outcome:
        """Drive the run to its end; `report` is called with each committed round.

        Raises
        ------
        FedredisError
            If the run can't be completed; the line says how to go on with it.
        """
        from fedredis.api.outcome import read_outcome  # what asks something needs none of it
        from fedredis.api.tracking import tracked

        with ExitStack() as stack:
            if store := self.request.mlflow:
                stack.enter_context(tracked(self.session.client, self.state, store))
            ready = self._through(report, say)
        return read_outcome(
            self.session.client,
            self.run,
            workers=self.workers,
            seconds=time.monotonic() - self.started,
            setup_seconds=ready - self.started,
            redis_url=self.session.shown_url,
        )

    def answer(self, say: Say) -> Answer:
        """Drive a run that asks something to its end.

        Raises
        ------
        FedredisError
            If the run can't be completed; the line says how to go on with it.
        """
        self._through(lambda name, entry: None, say)
        return read_answer(self.session.client, self.run)

    def _through(self, report: Report, say: Say) -> float:
        """Drive the run to its end; return when its workers were there, on the monotonic clock."""
        client, clock = self.session.client, time.monotonic
        config = self.state.config
        with self._resumable(), self.beginning.leaving(), ExitStack() as sampling:
            revive = self._started(sampling, config, say) if self.workers else _nobody
            ready, standstill = clock(), Standstill(client, self.run, say, clock)

            def committed(name: RoundName, entry: Mapping[str, Any]) -> None:
                standstill.moved()
                report(name, entry)

            def look_after() -> None:
                revive()
                standstill.look()

            def dispatcher(store: MasterStore, config: RunConfig) -> Dispatcher:
                # Now the lease is held: what a master uses that waits for it is not the run's.
                sampler = Sampler(client, self.run, MASTER, children=False)
                sampling.enter_context(sampler)
                sampling.enter_context(Heartbeat(sampler.beat, config.lease_ms / 3000))
                return Dispatcher(
                    client,
                    store,
                    config,
                    own_workers=self.workers,
                    revive=look_after,
                    clock=clock,
                )

            self.begins()
            on_disk = drive_run(
                client,
                self.run,
                dispatcher=dispatcher,
                report=committed,
                clock=clock,
                allowed=self.models,
                token=self.beginning.token,
            )
        if not on_disk:
            say("warning: the server has not put the end of the run on its disk yet")
        return ready

    def _started(self, stack: ExitStack, config: RunConfig, say: Say) -> Callable[[], None]:
        """Start workers that end with a context; return what replaces those that die."""
        from fedredis.api.keys import simulated
        from fedredis.jobs.pool import WorkerPool  # what waits for slaves needs nothing of it

        owner: Sequence[str] = ()
        if config.secure:
            home = self.request.home
            owner = simulated(home, config.dataset, config.slave_ids)
            say(f"the keys of all slaves are made here, in {home}: they protect nothing")
        pool = WorkerPool(
            self.session.url,
            self.partitions or Path(),
            self.workers,
            models=self.models,
            owner=owner,
        )
        return stack.enter_context(pool).revive

    @contextmanager
    def _resumable(self) -> Iterator[None]:
        """Add to what goes wrong how to go on with the run, but where the same would go wrong."""
        how = f"go on with: {self.resume}"
        try:
            yield
        except KeyboardInterrupt as stop:
            stop.add_note(how)
            raise
        # It is found in the sums over all rows, which remain what they are, or there is no run, or
        # somebody goes on with it already.
        except (DataError, LeaseHeldError, RunGoneError, RunNotFoundError):
            raise
        except FedredisError as error:
            error.args = (f"{error}; {how}",)
            raise
        except RedisError as error:
            away = explain(error, self.session.url)
            away.args = (f"{away}; {how}",)
            raise away from error


def _nobody() -> None:
    """Replace no worker: all are started elsewhere."""
