"""Starting a run, or going on with one."""

from __future__ import annotations

import logging
import secrets
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from fedredis.api.arrivals import described, see_who_waits
from fedredis.api.driver import Driver
from fedredis.api.preparation import find_partitions, prepare
from fedredis.api.request import Request, own_models
from fedredis.api.resuming import call_to_resume
from fedredis.api.saying import aloud
from fedredis.api.session import PathLike, session
from fedredis.arguments import checked
from fedredis.config import check_name
from fedredis.data.manifest import read_manifest
from fedredis.data.partition import check_files
from fedredis.errors import DataError, UsageError
from fedredis.jobs.heartbeat import Heartbeat
from fedredis.rounds.beginning import Beginning
from fedredis.rounds.master import create_run
from fedredis.store import runs
from fedredis.store.workers import present

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from redis import Redis

    from fedredis.api.answer import Answer
    from fedredis.api.driver import Say
    from fedredis.api.outcome import Outcome
    from fedredis.api.resuming import HowToResume
    from fedredis.data.source import Frame
    from fedredis.keys import RoundName
    from fedredis.rounds.engine import Report

logger = logging.getLogger(__name__)


@checked
def run(
    data: PathLike | Frame | None = None,
    *,
    slaves: int | None = None,
    workers: int | None = None,
    redis_url: str | None = None,
    home: PathLike = ".fedredis",
    report: Report | None = None,
    progress: bool = False,
    **asked: Any,
) -> Outcome:
    """Train a model over slaves; return its final measure.

    Without a Redis URL everything runs here: the embedded server, one worker a core, and
    partitions cut from `data` or from generated songs. With one, the run waits for the slaves
    that `serve` or ``fedredis slave`` starts elsewhere, unless `workers` starts some here.

    Nothing is printed unless `progress` is asked for; the logger ``fedredis`` is told, at level
    INFO, what is waited for. Without a URL a warning tells, too, where no worker is started.

    Parameters
    ----------
    data
        A CSV or Parquet file, a pandas DataFrame, a folder of songs by decade, or a partition
        folder; generated songs, if not given.
    slaves
        Their number; 10, or as many as the data was cut for.
    workers
        Worker processes to start; with a Redis URL none, else one a core.
    redis_url, home
        The Redis to use, or else the folder of the embedded server, and of the partitions that
        are cut. Variables of the environment are not looked at.
    report
        Called with each committed round (a `fedredis.keys.RoundName`) and its history entry.
    progress
        Show how far it is: a bar in a notebook, else a line on standard error.
    asked
        The options of ``fedredis run`` by name. Of the run: ``names`` and ``dataset``, where the
        slaves bring their own files; ``by`` and ``test_fraction``, how to cut rows; ``fraction``
        and ``quorum``, who takes part in a round; ``wait_timeout`` in seconds. How to read rows:
        fields of `fedredis.data.reading.Reading`, such as ``label``. Else fields of
        `fedredis.config.RunConfig`, such as ``rounds``, ``seed``, ``strategy`` or ``options``;
        times are in milliseconds there. Where labels are numbers, the model is ``linear`` and the
        strategy ``newton``, if nothing else is said. A ``model`` of your own,
        ``package.module:Class``, is imported here, and by the workers that are started here.

    Raises
    ------
    UsageError
        If an argument is wrong; nothing was started or written.
    DataError
        If the data can't be used.
    FedredisError
        If the run can't be completed; the message says how to go on with it.
    """
    request = Request.of(data, redis_url, home, {**asked, "slaves": slaves, "workers": workers})
    how = call_to_resume(redis_url, home, request.workers)
    say = aloud(request)
    with begun(request, say, how) as driver:
        return _driven(driver, report, say, shown=progress)


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
        return _driven(driver, report, aloud(request), shown=progress)


@contextmanager
def begun(request: Request, say: Say, how_to_resume: HowToResume) -> Iterator[Driver]:
    """Create a run, and lend what drives it, with its Redis.

    `say` is told who is waited for, and `how_to_resume` makes what errors tell the caller to do.
    """
    started = time.monotonic()
    folder, workers, account = None, 0, None
    # What can be wrong is found before anything is started or written.
    if request.mlflow:
        from fedredis.api.tracking import check_mlflow

        check_mlflow()
    if request.here:
        slaves = request.rows.slaves(request.count)
        request.quorum_of(request.sample_of(slaves) or slaves)
        manifest, folder, account = prepare(request, slaves)
        config = request.config(manifest, request.rows.source)
        if workers := request.workers_for(config.slaves):
            check_files(folder, manifest, config.slave_ids)
    with session(request.redis_url, request.home) as opened:
        if request.here:
            see_who_waits(opened.client, request)
        else:
            deadline = started + request.wait_timeout
            manifest, named = described(opened.client, request, report=say, deadline=deadline)
            config = request.config(manifest, manifest.source, named)
        models, token = own_models(config.model), secrets.token_hex(8)
        run_id = create_run(opened.client, config, models, request.id, token)
        with _held(opened.client, run_id, token, config.lease_ms) as (beginning, begins):
            yield Driver(
                session=opened,
                request=request,
                run=run_id,
                workers=workers,
                partitions=folder,
                models=models,
                started=started,
                resume=how_to_resume(run_id, models),
                beginning=beginning,
                begins=begins,
                account=account,
            )


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
        none = config.names or (state.status == "finished" and request.workers is None)
        workers, folder = 0 if none else request.workers_for(config.slaves), None
        if workers:
            try:
                folder = find_partitions(request.home, config.dataset, config.source)
            except DataError:
                # Workers that were started elsewhere, in the same folder, hold them.
                cards = present(opened.client)
                if request.workers or all(card.dataset != config.dataset for card in cards):
                    raise
                workers = 0
            else:
                check_files(folder, read_manifest(folder), config.slave_ids)
        token = secrets.token_hex(8)
        with _held(opened.client, run, token, config.lease_ms) as (beginning, begins):
            yield Driver(
                session=opened,
                request=request,
                run=run,
                workers=workers,
                partitions=folder,
                models=models,
                started=started,
                resume=how_to_resume(run, models),
                beginning=beginning,
                begins=begins,
            )


@contextmanager
def _held(
    client: Redis, run: str, token: str, lease_ms: int
) -> Iterator[tuple[Beginning, Callable[[], None]]]:
    """Hold a run's lease until it is driven, so that all can see that somebody is about to.

    Lend the time until then, and what ends it.
    """
    beginning = Beginning(client, run, token, lease_ms)
    with ExitStack() as held:
        held.enter_context(Heartbeat(beginning.hold, lease_ms / 3000))
        yield beginning, held.close


def _driven(driver: Driver, report: Report | None, say: Say, *, shown: bool) -> Outcome:
    """Drive a run to its end for a caller who looks at nothing but its rounds."""
    from fedredis.api.notebook import progress as progress_of

    driver.wait(say)
    with ExitStack() as stack:
        asked = [report, stack.enter_context(progress_of(driver.state)) if shown else None]
        told = [one for one in asked if one]

        def tell(name: RoundName, entry: Mapping[str, Any]) -> None:
            for one in told:
                one(name, entry)

        return driver.drive(tell, logger.info)
