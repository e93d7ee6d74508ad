"""Going on with a run whose master stopped or died."""

from __future__ import annotations

import logging
import secrets
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fedredis.api.holding import lent
from fedredis.api.preparation import find_partitions
from fedredis.api.request import Request
from fedredis.api.resuming import call_to_resume
from fedredis.api.saying import aloud, driven
from fedredis.api.session import PathLike, session
from fedredis.arguments import checked
from fedredis.config import check_name
from fedredis.data.manifest import read_manifest
from fedredis.data.partition import check_files
from fedredis.errors import DataError, UsageError
from fedredis.store import runs
from fedredis.store.workers import present

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from redis import Redis

    from fedredis.api.answer import Answer
    from fedredis.api.driver import Driver
    from fedredis.api.outcome import Outcome
    from fedredis.api.resuming import HowToResume
    from fedredis.rounds.engine import Report

logger = logging.getLogger(__name__)


@checked
def resume(
    run: str,
    *,
    workers: int | None = None,
    quorum: float | None = None,
    redis_url: str | None = None,
    home: PathLike = ".fedredis",
    wait_timeout: float | None = None,
    allow_models: Collection[str] = (),
    report: Report | None = None,
    progress: bool = False,
) -> Outcome | Answer:
    """Go on with a run whose master stopped or died; return its final measure, or answer.

    It goes on from the last committed round, and the result is the one that the run would have
    had without the stop, unless a `quorum` lets it go on without some slaves, from now on. Of a
    run that is finished, the measure is read again. Parameters are as for `run`; `allow_models`
    are models of your own, ``package.module:Class``, that may be imported if the run names one.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    DataError
        If the partitions for workers of its own are gone.
    FedredisError
        If the run can't be completed; the message says how to go on with it.
    """
    asked = {"workers": workers, "quorum": quorum, "wait_timeout": wait_timeout}
    request = Request.of(None, redis_url, home, asked)
    how = call_to_resume(redis_url, home, workers)
    with resumed(run, request, allow_models, how) as driver:
        if driver.state.config.analysis:
            driver.wait(aloud(request))
            return driver.answer(logger.info)
        return driven(driver, report, aloud(request), shown=progress)


@contextmanager
def resumed(
    run: str, request: Request, models: Collection[str], how_to_resume: HowToResume
) -> Iterator[Driver]:
    """Look up a run, and lend what drives it, with its Redis.

    `models` are those of users' own that may be imported.
    """
    started = time.monotonic()
    check_name(run, "run")
    with session(request.redis_url, request.home) as opened:
        state = runs.read(opened.client, run)
        config = state.config
        if quorum := request.quorum_of(config.sample or config.slaves):
            runs.change_quorum(opened.client, run, quorum)
        if config.names and request.workers:
            raise UsageError(f"the slaves of run {run} bring their own files: leave out `workers`")
        folder = _partitions(opened.client, request, state)
        with lent(
            opened,
            request,
            run,
            config.lease_ms,
            secrets.token_hex(8),
            resume=how_to_resume(run, models),
            started=started,
            workers=request.workers_for(config.slaves) if folder else 0,
            partitions=folder,
            models=models,
        ) as driver:
            yield driver


def _partitions(client: Redis, request: Request, state: runs.RunState) -> Path | None:
    """Find the rows for workers of its own, if it takes some.

    Raises
    ------
    DataError
        If they are gone, and nobody else holds them.
    """
    config, finished = state.config, state.status == "finished"
    if config.names or (finished and request.workers is None):
        return None
    if not request.workers_for(config.slaves):
        return None
    try:
        folder = find_partitions(request.home, config.dataset, config.source)
    except DataError:
        # Workers that were started elsewhere, in the same folder, hold them.
        if request.workers or all(card.dataset != config.dataset for card in present(client)):
            raise
        return None
    check_files(folder, read_manifest(folder), config.slave_ids)
    return folder
