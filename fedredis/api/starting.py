"""Starting a run, or going on with one."""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Callable, Collection
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedredis import shares
from fedredis.api.joining import Wanted, described
from fedredis.api.preparation import Rows, find_partitions, prepare
from fedredis.api.session import PathLike, session
from fedredis.api.settings import check_wait, draft, quorum_of
from fedredis.api.training import Training, own_workers
from fedredis.config import check_name
from fedredis.data.manifest import read_manifest
from fedredis.data.partition import check_files
from fedredis.data.reading import Reading
from fedredis.errors import UsageError
from fedredis.exchanges import Setup
from fedredis.redis_url import masked
from fedredis.rounds.master import create_run
from fedredis.store import runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fedredis.api.answer import Answer
    from fedredis.api.outcome import Outcome
    from fedredis.api.training import Say
    from fedredis.config import RunConfig
    from fedredis.data.manifest import Manifest
    from fedredis.data.source import Frame
    from fedredis.rounds.engine import Report

#: Makes of a run's id, and the models that it needs to be allowed, what goes on with it.
HowToResume = Callable[[str, Collection[str]], str]

logger = logging.getLogger(__name__)


def run(
    data: PathLike | Frame | None = None,
    *,
    slaves: int | None = None,
    names: Sequence[str] | None = None,
    dataset: str | None = None,
    workers: int | None = None,
    redis_url: str | None = None,
    home: PathLike = ".fedredis",
    by: str = "iid",
    test_fraction: float = 0.2,
    wait_timeout: float = 600.0,
    fraction: float | None = None,
    quorum: float | str | None = None,
    report: Report | None = None,
    **settings: Any,
) -> Outcome:
    """Train a model over slaves; return its final measure.

    Without a Redis URL everything runs here: the embedded server, one worker a core, and
    partitions cut from `data` or from generated songs. With one, the run waits for the slaves
    that `serve` or ``fedredis slave`` starts elsewhere, unless `workers` starts some here.

    Nothing is printed; the logger ``fedredis`` is told, at level INFO, what is waited for.

    Parameters
    ----------
    data
        A CSV or Parquet file, a pandas DataFrame, a folder of songs by decade, or a partition
        folder; generated songs, if not given.
    slaves
        Their number; 10, or as many as the data was cut for.
    names, dataset
        Who the slaves are, and what they call their data, where they bring their own files. One
        of `names` and `slaves` is needed then.
    workers
        Worker processes to start; with a Redis URL none, else one a core.
    redis_url, home
        The Redis to use, or else the folder of the embedded server, and of the partitions that
        are cut. Variables of the environment are not looked at.
    by, test_fraction
        How to cut the rows among the slaves, and the share of each one's that is held out.
    wait_timeout
        Seconds to wait for slaves to come.
    fraction
        Share of the slaves, drawn anew each round, that train; all, if not given.
    quorum
        Updates that make a round valid at its deadline: a number, or a share such as 0.8; all,
        if not given.
    report
        Called with each committed round (a `fedredis.keys.RoundName`) and its history entry.
    settings
        How to read a file or frame, as fields of `fedredis.data.reading.Reading` such as
        ``label`` or ``columns``; and the other fields of `fedredis.config.RunConfig`, such as
        ``rounds``, ``seed``, ``strategy`` or ``options``; times are in milliseconds there. Where
        labels are numbers, the model is ``linear`` and the strategy ``newton``, if nothing else
        is said. A ``model`` of your own, ``package.module:Class``, is imported here, and by the
        workers that are started here.

    Raises
    ------
    UsageError
        If an argument is wrong; nothing was started or written.
    DataError
        If the data can't be used.
    FedredisError
        If the run can't be completed; the message says how to go on with it.
    """
    reading, settings = Reading.taken_from(settings)
    beginning = begun(
        Rows.of(data, reading, by),
        settings,
        wanted=Wanted(slaves, names, dataset),
        workers=workers,
        redis_url=redis_url,
        home=Path(home),
        test_fraction=test_fraction,
        wait_timeout=wait_timeout,
        fraction=fraction,
        quorum=quorum,
        say=logger.info,
        how_to_resume=call_to_resume(redis_url, home),
    )
    with beginning as training:
        return _driven(training, report)


def resume(
    run: str,
    *,
    workers: int | None = None,
    redis_url: str | None = None,
    home: PathLike = ".fedredis",
    wait_timeout: float = 600.0,
    allow_models: Collection[str] = (),
    report: Report | None = None,
) -> Outcome | Answer:
    """Go on with a run whose master stopped or died; return its final measure, or answer.

    It goes on from the last committed round, and the result is the one that the run would have
    had without the stop. Of a run that is finished, the measure is read again. Parameters are
    as for `run`; `allow_models` are models of your own, ``package.module:Class``, that may be
    imported if the run names one.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    DataError
        If the partitions for workers of its own are gone.
    FedredisError
        If the run can't be completed; the message says how to go on with it.
    """
    going_on = resumed(
        run,
        workers=workers,
        redis_url=redis_url,
        home=Path(home),
        wait_timeout=wait_timeout,
        models=allow_models,
        how_to_resume=call_to_resume(redis_url, home),
    )
    with going_on as training:
        if training.state.config.analysis:
            training.wait(logger.info)
            return training.answer(logger.info)
        return _driven(training, report)


@contextmanager
def begun(
    rows: Rows,
    settings: Mapping[str, Any],
    *,
    wanted: Wanted,
    workers: int | None,
    redis_url: str | None,
    home: Path,
    test_fraction: float,
    wait_timeout: float,
    fraction: float | None,
    quorum: float | str | None,
    say: Say,
    how_to_resume: HowToResume,
) -> Iterator[Training]:
    """Create a run, and lend it with its Redis.

    Parameters are as for `run`; `say` is told who is waited for, and `how_to_resume` makes what
    errors tell the caller to do.
    """
    started = time.monotonic()
    check_wait(wait_timeout)
    # What can be wrong is found before anything is started or written.
    slaves = wanted.count()
    most = sys.maxsize if slaves is None else slaves
    config = draft(settings, most)
    if fraction is not None and (config.sample or not 0 < fraction <= 1):
        what = (
            "and `sample` say the same: give one of them"
            if config.sample
            else f"must be above 0 and at most 1, not {fraction}"
        )
        raise UsageError(what, field="fraction")
    quorum_of(quorum, config.sample or most)
    settle = partial(_settled, config, settings, fraction=fraction, quorum=quorum)
    if workers is not None and workers < 0:
        raise UsageError(f"must be 0 or more, not {workers}", field="workers")
    known_here = bool(rows.data is not None or workers or not (redis_url or wanted.elsewhere))
    if known_here:
        if wanted.elsewhere:
            raise UsageError(
                "`names` and `dataset` are of slaves that are started elsewhere: leave out `data` "
                "and `workers`"
            )
        slaves = rows.slaves(slaves)
        quorum_of(quorum, config.sample or slaves)
        manifest, folder = prepare(
            rows, slaves, seed=config.seed, test_fraction=test_fraction, home=home
        )
        config = settle(manifest, rows.source, slaves)
        if own_workers(workers, redis_url, config.slaves):
            check_files(folder, manifest, config.slave_ids)
    elif rows.said:
        raise UsageError(
            "how to read data is said where it is read: by the slaves, or with `data`"
        )
    with session(redis_url, home) as opened:
        if not known_here:
            manifest, named = described(
                opened.client, wanted, report=say, deadline=started + wait_timeout
            )
            config = settle(manifest, manifest.source, slaves, named)
        models = own_models(config)
        run_id = create_run(opened.client, config, models)
        yield Training(
            session=opened,
            run=run_id,
            workers=own_workers(workers, redis_url, config.slaves) if known_here else 0,
            partitions=folder if known_here else None,
            wait_timeout=wait_timeout,
            models=models,
            started=started,
            resume=how_to_resume(run_id, models),
        )


@contextmanager
def resumed(
    run: str,
    *,
    workers: int | None,
    redis_url: str | None,
    home: Path,
    wait_timeout: float,
    models: Collection[str],
    how_to_resume: HowToResume,
) -> Iterator[Training]:
    """Look up a run, and lend it with its Redis; parameters are as for `begun`."""
    started = time.monotonic()
    check_name(run, "run")
    check_wait(wait_timeout)
    with session(redis_url, home) as opened:
        config = runs.read(opened.client, run).config
        if config.names and workers:
            raise UsageError(f"the slaves of run {run} bring their own files: leave out `workers`")
        count = 0 if config.names else own_workers(workers, redis_url, config.slaves)
        folder = find_partitions(home, config.dataset, config.source) if count else None
        if folder is not None:
            check_files(folder, read_manifest(folder), config.slave_ids)
        yield Training(
            session=opened,
            run=run,
            workers=count,
            partitions=folder,
            wait_timeout=wait_timeout,
            models=models,
            started=started,
            resume=how_to_resume(run, models),
        )


def own_models(config: RunConfig) -> tuple[str, ...]:
    """Name the model of a caller's own that the caller has chosen, if it is one."""
    return (config.model,) if ":" in config.model else ()


def _settled(
    config: RunConfig,
    settings: Mapping[str, Any],
    manifest: Manifest,
    source: str,
    slaves: int | None,
    names: tuple[str, ...] = (),
    *,
    fraction: float | None,
    quorum: float | str | None,
) -> RunConfig:
    """Complete a config, drafted from `settings`, with what the data says.

    Raises
    ------
    UsageError
        If the settings don't fit the data.
    """
    count = slaves or manifest.slaves
    if count > manifest.slaves:
        raise UsageError(
            f"is {count}, and {manifest.dataset} was cut for {manifest.slaves} slaves",
            field="slaves",
        )
    # Least squares have a solution, which Newton's method finds in a step.
    fitting: dict[str, Any] = {}
    if not manifest.classes:
        fitting = {"model": "linear", "strategy": "newton"}
    sample = config.sample if fraction is None else math.ceil(shares.of(fraction, count))
    settled = replace(
        config,
        **{name: value for name, value in fitting.items() if name not in settings},
        dataset=manifest.dataset,
        columns=manifest.columns,
        classes=manifest.classes,
        missing=manifest.missing,
        slaves=count,
        rows=manifest.rows,
        names=names,
        sample=sample,
        quorum=quorum_of(quorum, sample or count),
        source=source,
        label=manifest.label,
    )
    Setup(settled, own_models(settled)).check()
    return settled


def _driven(training: Training, report: Report | None) -> Outcome:
    """Drive a run to its end for a caller who looks at nothing but its rounds."""
    training.wait(logger.info)
    return training.drive(report or (lambda label, entry: None), logger.info)


def call_to_resume(redis_url: str | None, home: PathLike) -> HowToResume:
    """Make the call that goes on with a run."""
    where = f", redis_url={masked(redis_url)!r}" if redis_url else f", home={str(home)!r}"

    def call(run: str, models: Collection[str]) -> str:
        allowed = f", allow_models={sorted(models)!r}" if models else ""
        return f"fedredis.resume({run!r}{where}{allowed})"

    return call
