"""What federating brought and what it cost: a run's model beside others that do without."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from fedredis.api.preparation import find_partitions
from fedredis.api.session import PathLike, session
from fedredis.api.study.comparison import Baseline, Fitted, compare
from fedredis.api.trained.prediction import read_trained
from fedredis.arguments import checked
from fedredis.config import check_name
from fedredis.data.manifest import read_manifest
from fedredis.data.partition import held, open_partition
from fedredis.errors import DataError, UsageError
from fedredis.exchanges import Setup
from fedredis.store import runs

if TYPE_CHECKING:
    from collections.abc import Collection

    from fedredis.config import RunConfig
    from fedredis.data.partition import Partition

#: Why there is none without all rows.
IN_ONE_PLACE = "a baseline is fitted on the rows of all slaves, in one place"


@checked
def baseline(
    run: str,
    *,
    data: PathLike | None = None,
    redis_url: str | None = None,
    home: PathLike = ".fedredis",
    allow_models: Collection[str] = (),
    report: Fitted = lambda fitted, models: None,
) -> Baseline:
    """Compare a run's model with the pooled one, and with what each slave has without the others.

    A slave's own model is fitted on its own rows, and so is the preprocessing: its means or
    quantiles are its own. The pooled model is fitted on the rows of all slaves, in one place, and
    its preprocessing is that of the run. Everything else is the run's: the same rows train and the
    same are held out, with the same features and penalty. The fit is exact where the model has
    second derivatives; else it takes as many epochs of SGD as the run's model went through.

    Parameters
    ----------
    data
        The partition folder; if not given, the one that the run has cut or was given.
    allow_models
        Models of your own, ``package.module:Class``, that may be imported if the run names one.
    report
        Called after each fit, with the number of models that are fitted, and of all.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    UsageError
        If `data` holds something else, or the model is not allowed.
    DataError
        If the rows of all slaves are not on this machine, or none is held out.
    FedredisError
        If the run has no trained model yet, or Redis can't be reached.
    """
    check_name(run, "run")
    with session(redis_url, home) as opened:
        state = runs.read(opened.client, run)
        trained = read_trained(opened.client, run)
    parts = _partitions(trained.config, Path(home), None if data is None else Path(data))
    # As in a run: where cores are busy, several threads of BLAS wait for each other.
    with threadpool_limits(1, user_api="blas"):
        return compare(
            Setup(trained.config, allow_models),
            trained.known,
            parts,
            lambda X: trained.predict(X, allow_models),
            run=run,
            rounds=state.chosen,
            report=report,
        )


def _partitions(config: RunConfig, home: Path, data: Path | None) -> dict[str, Partition]:
    """Read the rows of all slaves of a run."""
    if config.names:
        raise DataError(f"the slaves of {config.dataset} keep their own files: {IN_ONE_PLACE}")
    folder = data or _found(config, home)
    manifest = read_manifest(folder)
    if manifest.dataset != config.dataset:
        raise UsageError(f"{folder} holds {manifest.dataset}, and the run is of {config.dataset}")
    there = {str(slave) for slave in held(folder, manifest)}
    if elsewhere := [slave for slave in config.slave_ids if slave not in there]:
        named = ", ".join(elsewhere[:10]) + (", …" if len(elsewhere) > 10 else "")
        raise DataError(f"the rows of slaves {named} are not here: {IN_ONE_PLACE}", file=folder)
    parts = {slave: open_partition(folder, int(slave), manifest) for slave in config.slave_ids}
    if not any(len(part.test_y) for part in parts.values()):
        raise DataError("no slave holds out rows to compare models on", file=folder)
    return parts


def _found(config: RunConfig, home: Path) -> Path:
    try:
        return find_partitions(home, config.dataset, config.source)
    except DataError:
        raise DataError(
            f"the partitions of {config.dataset} are not here: {IN_ONE_PLACE}; if there is one, "
            "name the folder with `data`"
        ) from None
