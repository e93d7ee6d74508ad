"""What a worker process has at hand for the jobs that it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fedredis.jobs.gate import Gate
from fedredis.jobs.view import RunView
from fedredis.jobs.vitals import Sampler
from fedredis.keys import RunKeys

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from fedredis.jobs.inputs import Inputs
    from fedredis.store.workers import WorkerCard


@dataclass
class WorkerContext:
    """A worker's connection, name, data, and the run that it is working for."""

    client: Redis
    card: WorkerCard
    inputs: Inputs
    #: Whether the worker has been asked to stop.
    stopping: Callable[[], bool]
    #: Whether a job of another run waits on the worker's queue, given this run's id.
    others_wait: Callable[[str], bool]
    #: The models of users' own, ``package.module:Class``, that this worker may import.
    models: frozenset[str] = frozenset()
    #: What its slaves' owner allows.
    gate: Gate = field(default_factory=Gate)
    _view: RunView | None = field(default=None, init=False)
    _sampler: Sampler | None = field(default=None, init=False)

    def view(self, run_id: str) -> RunView:
        """Look at a run; the last one looked at is kept in memory, and what was made for it."""
        if self._view is None or self._view.run_id != run_id:
            held = self.card.slaves
            alone = held[0] if held is not None and len(held) == 1 else None
            self._view = RunView.open(
                self.client, RunKeys(run_id), self.card.name, alone=alone, models=self.models
            )
            self.inputs.forget_other_runs(run_id)
        return self._view

    def let_go(self) -> None:
        """Let go of what was made for the run that was looked at last, if it is over."""
        if self._view is not None and self._view.store.is_over():
            self.forget()

    def forget(self) -> None:
        """Let go of what was made for any run."""
        self._view = None
        self.inputs.forget_runs()

    def sampler(self, run_id: str) -> Sampler:
        """Return what tells a run what this process uses; that of the last run is kept."""
        if self._sampler is None or self._sampler.run_id != run_id:
            self._sampler = Sampler(self.client, run_id, self.card.name)
        return self._sampler
