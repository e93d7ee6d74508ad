"""Workers that act for the slaves of a partition folder, or for one with a file of its own."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedredis.acl import check_slave
from fedredis.api.session import PathLike, session
from fedredis.arguments import MOST_WORKERS, checked
from fedredis.data.own import OwnFile, OwnRows
from fedredis.data.partition import check_files
from fedredis.errors import DataError, UsageError
from fedredis.jobs.naming import queue_name
from fedredis.jobs.pool import WorkerPool
from fedredis.jobs.process import LIMITS, POLICY, arguments, gate_of, holding_of
from fedredis.jobs.roster import refuse_namesake

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from fedredis.data.manifest import Manifest
    from fedredis.data.table import Account

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Serving:
    """Worker processes that are up, and whom they act for."""

    workers: int
    #: Whose rows they hold: a name, or the numbers of those whose files are in the folder.
    slaves: tuple[str, ...]
    manifest: Manifest
    #: The RQ queue that the workers take jobs from.
    queue: str
    #: Redis' URL without its password.
    redis_url: str
    _pool: WorkerPool = field(repr=False, compare=False)
    #: What was made of an own file's columns and rows.
    account: Account | None = None

    def wait(self) -> None:
        """Replace workers that die, until the call is interrupted."""
        while True:
            self._pool.wait()
            self._pool.revive()


@checked
@contextmanager
def serving(
    data: PathLike | None = None,
    *,
    name: str | None = None,
    dataset: str | None = None,
    test_fraction: float | None = None,
    seed: int | None = None,
    workers: int = 1,
    redis_url: str | None = None,
    home: PathLike = ".fedredis",
    allow_models: Collection[str] = (),
    policy: PathLike | None = None,
    least_rows: int | None = None,
    least_cell: int | None = None,
    **reading: Any,
) -> Iterator[Serving]:
    """Start workers that act for slaves, and stop them at the end.

    They take up jobs meanwhile, and finish the slave that they are at when they are stopped.
    Those that die are replaced by `Serving.wait` only. A folder with the files of some slaves
    makes workers that act for those alone. With `name`, they act for a slave of that name, and
    hold its own file in memory.

    Parameters
    ----------
    data
        A partition folder, or the slave's own file; none where `sql` names a database.
    name, dataset
        Of a slave that brings its own file, and what all slaves of the federation call the data
        that they have together; "shared", if not given.
    test_fraction, seed
        What share of its rows is held out, 0.2 if not given, and the seed of their choice.
    workers
        Number of processes.
    allow_models
        Models of your own, ``package.module:Class``, that the workers may import if a run names
        one.
    policy
        A file that says what the slaves' owner allows; their keys lie beside it, and what leaves
        is recorded there.
    least_rows, least_cell
        Rows that a slave must have for a round, and in each cell of its counts: rules of the same
        names, without a file or beside one, whose own may be higher.
    reading
        How to read such a file: fields of `fedredis.data.reading.Reading`, such as ``label``.

    Raises
    ------
    DataError
        If the folder is none, or holds no slave's file, or the own file can't be used.
    FedredisError
        If Redis can't be reached.
    UsageError
        If an argument is wrong, or somebody acts for the same slave with other data.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise UsageError(f"must be from 1 to {MOST_WORKERS}, not {workers}", field="workers")
    said = {**reading, "dataset": dataset, "test_fraction": test_fraction, "seed": seed}
    rows = _rows(data, name, {n: v for n, v in said.items() if v is not None})
    limits = {"least_rows": least_rows or 0, "least_cell": least_cell or 0}
    for rule, value in limits.items():
        if value < 0:
            raise UsageError(f"must be at least 0, not {value}", field=rule)
    owner = [] if policy is None else [POLICY, str(Path(policy))]
    if any(limits.values()):
        owner += [LIMITS, json.dumps(limits)]
    gate_of(owner)
    manifest, slaves, account = _look(rows)
    with session(redis_url, home, wait=logger.warning) as opened:
        if name is not None:
            refuse_namesake(opened.client, name, manifest)
        queue = queue_name(manifest.dataset, slaves)
        with WorkerPool(opened.url, rows, workers, models=allow_models, owner=owner) as pool:
            everyone = _everyone(manifest, slaves)
            yield Serving(workers, everyone, manifest, queue, opened.shown_url, pool, account)


def serve(data: PathLike | None = None, **how: Any) -> None:
    """Do what `serving` does, and replace workers that die, until the call is interrupted.

    Parameters, and what goes wrong, are as for `serving`.
    """
    with serving(data, **how) as slaves:
        slaves.wait()


def _rows(data: PathLike | None, name: str | None, said: dict[str, Any]) -> Path | OwnFile:
    """Tell whether it is a slave's own file, or a partition folder."""
    if data is None and "sql" not in said:
        raise UsageError("is a partition folder, or the slave's own file: name it", field="data")
    path = Path(data or "")
    if name:
        own = OwnFile(path, name, **said)
        check_slave(own.dataset, name)
        return own
    if data is None or path.is_file() or said:
        told = ", ".join(f"`{option}`" for option in said)
        raise UsageError(
            f"{path}: of a slave that brings its own file, `name` says who it is; a partition "
            f"folder is read as it was cut{f', without {told}' if said else ''}"
        )
    return path


def _look(rows: Path | OwnFile) -> tuple[Manifest, tuple[str, ...] | None, Account | None]:
    """See that workers can use the rows; return what they are, whose, and what was left out.

    The rows of an own file are read for it, and let go of.
    """
    holding = holding_of(arguments(rows))
    if holding.slaves == ():
        raise DataError("the folder holds no slave's partition", file=rows)
    if isinstance(rows, Path):
        check_files(rows, holding.manifest, _everyone(holding.manifest, holding.slaves))
    account = holding.account if isinstance(holding, OwnRows) else None
    return holding.manifest, holding.slaves, account


def _everyone(manifest: Manifest, slaves: tuple[str, ...] | None) -> tuple[str, ...]:
    """Name the slaves whose rows are held, None being all."""
    return tuple(map(str, range(manifest.slaves))) if slaves is None else slaves
