"""A run that answers a question, from the data that a caller names or the slaves that come."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from fedredis.api.inference.questions import Question
from fedredis.api.preparation import Rows
from fedredis.api.request import Request
from fedredis.api.resuming import call_to_resume
from fedredis.api.saying import aloud
from fedredis.api.starting import begun
from fedredis.arguments import argument
from fedredis.data.meaning import digest
from fedredis.data.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fedredis.api.answer import Answer
    from fedredis.api.session import PathLike
    from fedredis.config import RunConfig
    from fedredis.data.manifest import Manifest
    from fedredis.data.source import Frame
    from fedredis.data.table import Table

#: What may be said of whose rows are asked.
WHERE = (
    *("slaves", "names", "dataset", "cut", "categories", "levels", "least_cell", "workers"),
    *("threshold", "wait_timeout", "redis_url", "home"),
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Unlabelled(Rows):
    """Rows of which no column is a label; they are read once."""

    @cached_property
    def table(self) -> Table:
        """All of them."""
        return super().read(0)

    def read(self, seed: int) -> Table:
        """Return the rows."""
        return self.table


@dataclass(frozen=True, kw_only=True, eq=False)
class Asking(Request):
    """What is asked of whose rows."""

    question: Question = field(default_factory=Question)
    #: What categories are called, by column, where the slaves are elsewhere.
    levels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    least_cell: int | None = argument(
        "Withhold what tells of fewer rows; 5 where slaves have names, else nothing.",
        least=0,
        metavar="ROWS",
    )

    @classmethod
    def to(
        cls,
        question: Question,
        data: PathLike | Frame | None = None,
        redis_url: str | None = None,
        home: PathLike = ".fedredis",
        where: Mapping[str, Any] | None = None,
    ) -> Self:
        """Ask a question of slaves; `where` has arguments of `WHERE`.

        Raises
        ------
        UsageError
            If there is no such argument, its value can't be used, or two don't go together.
        """
        given = dict(where or {})
        levels, cut = given.pop("levels", None) or {}, given.pop("cut", None)
        categories = given.get("categories")
        given["categories"] = tuple(categories) if categories else None
        asking: Any = cls.of(data, redis_url, home, {**given, "by": cut})
        if data is not None and asking.rows.folder is None:
            asking = replace(asking, reading=_reading(question, asking.reading.categories))
        found: Self = replace(asking, question=question, levels=levels, test_fraction=0.0)
        return found

    @cached_property
    def rows(self) -> Rows:
        """The rows to cut, in which no column is a label."""
        rows = super().rows
        if rows.data is None or rows.folder is not None or self.reading.label != "":
            return rows
        return Unlabelled(rows.data, rows.reading, rows.by)

    def config(self, manifest: Manifest, source: str, names: tuple[str, ...] = ()) -> RunConfig:
        """Put together the run's config from what is asked and what the data says."""
        asked, rows = dict(self.question.asked), self.rows
        texts = dict(rows.table.texts) if isinstance(rows, Unlabelled) else {}
        for column, called in self.levels.items():
            texts[column] = {str(int(digest(name))): name for name in called}
        if texts:
            asked["texts"] = texts
        if self.least_cell is not None:
            asked["least_cell"] = self.least_cell
        request: Request = replace(self, settings={**self.settings, "analysis": asked})
        return Request.config(request, manifest, source, names)


def question_of(kind: str, asked: Mapping[str, Any]) -> tuple[Question, dict[str, Any]]:
    """Make an analysis' question of what is said, and tell it from what says whom to ask.

    Raises
    ------
    UsageError
        If it can't be asked so.
    """
    where = {name: value for name, value in asked.items() if name in WHERE}
    own = {name: value for name, value in asked.items() if name not in WHERE}
    return Question.of(kind, own), where


def ask(kind: str, data: PathLike | Frame | None, asked: Mapping[str, Any]) -> Answer:
    """Ask an analysis, and wait for its answer.

    Raises
    ------
    UsageError
        If it can't be asked so.
    DataError
        If the data can't be used.
    FedredisError
        If the run can't be completed; the message says how to go on with it.
    """
    question, where = question_of(kind, asked)
    redis_url, home = where.pop("redis_url", None), where.pop("home", ".fedredis")
    asking = Asking.to(question, data, redis_url, home, where)
    say = aloud(asking)
    with begun(asking, say, call_to_resume(redis_url, home, asking.workers)) as driver:
        driver.wait(say)
        return driver.answer(logger.info)


def _reading(question: Question, categories: Sequence[str]) -> Reading:
    found = tuple(dict.fromkeys((*categories, *question.categories)))
    columns = question.columns
    if columns is not None:
        columns = tuple(dict.fromkeys(columns))
        found = tuple(name for name in found if name in columns)
    return Reading(label="", columns=columns, categories=found, missing="mean")
