"""Starting a run."""

from __future__ import annotations

import secrets
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fedredis.api.arrivals import described, see_who_waits
from fedredis.api.holding import lent
from fedredis.api.preparation import prepare
from fedredis.api.request import Request, own_models
from fedredis.api.resuming import call_to_resume
from fedredis.api.saying import aloud, driven
from fedredis.api.session import PathLike, session
from fedredis.arguments import checked
from fedredis.data.partition import check_files
from fedredis.rounds.master import create_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fedredis.api.driver import Driver, Say
    from fedredis.api.outcome import Outcome
    from fedredis.api.resuming import HowToResume
    from fedredis.data.source import Frame
    from fedredis.rounds.engine import Report


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
        return driven(driver, report, say, shown=progress)


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
        how = how_to_resume(run_id, models)
        with lent(
            opened,
            request,
            run_id,
            config.lease_ms,
            token,
            resume=how,
            started=started,
            workers=workers,
            partitions=folder,
            models=models,
            account=account,
        ) as driver:
            yield driver
