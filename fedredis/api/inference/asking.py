"""A run that answers a question, from the data that a caller names or the slaves that come."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedredis.api.joining import Wanted
from fedredis.api.preparation import Rows
from fedredis.api.starting import begun, call_to_resume
from fedredis.data.meaning import digest
from fedredis.data.reading import Reading
from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fedredis.api.answer import Answer
    from fedredis.api.session import PathLike
    from fedredis.api.starting import HowToResume
    from fedredis.api.training import Say, Training
    from fedredis.data.source import Frame
    from fedredis.data.table import Table

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Question:
    """What is asked, and which columns that needs."""

    #: Its kind, and the analysis' own fields.
    asked: Mapping[str, Any]
    #: Columns to read; None for all that hold numbers or few different words.
    columns: Sequence[str] | None = None
    #: Columns that hold categories, whatever they look like.
    categories: Sequence[str] = ()


@dataclass(frozen=True)
class Where:
    """Whose rows are asked, where they are, and what may be told of them.

    Parameters
    ----------
    data, cut, slaves
        A file or frame, which is cut among so many slaves; or a partition folder.
    names, dataset
        Who the slaves are, and what they call their data, where they bring their own files.
    categories
        Columns of a file that hold categories, even if they look like numbers.
    levels
        What categories are called, by column, where the slaves are elsewhere.
    least_cell
        Cells of fewer rows are not told; None for 5 where slaves have names, and else all.
    """

    data: PathLike | Frame | None = None
    slaves: int | None = None
    cut: str = "iid"
    names: Sequence[str] | None = None
    dataset: str | None = None
    categories: Sequence[str] = ()
    levels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    least_cell: int | None = None
    workers: int | None = None
    redis_url: str | None = None
    home: PathLike = ".fedredis"
    wait_timeout: float = 600.0


@dataclass(frozen=True, eq=False)
class Unlabelled(Rows):
    """Rows of which no column is a label; read once."""

    @cached_property
    def table(self) -> Table:
        """All of them."""
        return super().read(0)

    def read(self, seed: int) -> Table:
        """Return the rows."""
        return self.table


def ask(question: Question, where: Where) -> Answer:
    """Ask a question, and wait for its answer.

    Raises
    ------
    UsageError
        If it can't be asked so.
    DataError
        If the data can't be used.
    FedredisError
        If the run can't be completed; the message says how to go on with it.
    """
    resume = call_to_resume(where.redis_url, where.home)
    with asked(question, where, say=logger.info, how_to_resume=resume) as training:
        training.wait(logger.info)
        return training.answer(logger.info)


@contextmanager
def asked(
    question: Question, where: Where, *, say: Say, how_to_resume: HowToResume
) -> Iterator[Training]:
    """Create a run that answers a question, and lend it with its Redis."""
    rows, asked = Rows(), dict(question.asked)
    texts: dict[str, dict[str, str]] = {
        column: {str(int(digest(name))): name for name in names}
        for column, names in where.levels.items()
    }
    if where.data is not None:
        rows = _rows(question, where)
        if isinstance(rows, Unlabelled):
            texts = {**{c: dict(t) for c, t in rows.table.texts.items()}, **texts}
    elif question.categories or where.categories:
        raise UsageError("which columns hold categories is said where they are read")
    if texts:
        asked["texts"] = texts
    if where.least_cell is not None:
        if where.least_cell < 0:
            raise UsageError("must be 0 or more", field="least_cell")
        asked["least_cell"] = where.least_cell
    beginning = begun(
        rows,
        {"analysis": asked},
        wanted=Wanted(where.slaves, where.names, where.dataset),
        workers=where.workers,
        redis_url=where.redis_url,
        home=Path(where.home),
        test_fraction=0.0,
        wait_timeout=where.wait_timeout,
        fraction=None,
        quorum=None,
        say=say,
        how_to_resume=how_to_resume,
    )
    with beginning as training:
        yield training


def _rows(question: Question, where: Where) -> Rows:
    plain = Rows.of(where.data, Reading(), where.cut)
    if plain.folder is not None:
        return plain
    categories = tuple(dict.fromkeys((*where.categories, *question.categories)))
    columns = question.columns
    if columns is not None:
        # A column that is named in vain is one too many for a table, not for a person.
        columns = tuple(dict.fromkeys(columns))
        categories = tuple(name for name in categories if name in columns)
    reading = Reading(label="", columns=columns, categories=categories, missing="mean")
    return Unlabelled(plain.data, reading, plain.by)
