"""What all analyses share: the columns that there are, and what may be told of few rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from fedredis.arguments import arguments_of, check_ranges
from fedredis.errors import UsageError
from fedredis.inference.levels import Levels, text_of
from fedredis.printable import item

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fedredis.arrays import Named, Scope
    from fedredis.inference.stages import Chain

#: Columns by row at most, where few rows are not to be told of (DataSHIELD's rule).
MOST_SHARE = 0.33


@dataclass(frozen=True, eq=False)
class Context:
    """The data of a run, as an analysis sees it."""

    #: ``number`` or ``category``, of each column.
    kinds: Mapping[str, str]
    scope: Scope
    #: What categories are called, by column and digest.
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: A cell of fewer rows than this is not told; 0 or 1 to tell all.
    least: int = 0

    #: Fields of a config's analysis that are for this class.
    ASKED: ClassVar[tuple[str, ...]] = ("texts", "least_cell")

    def check(self, analysis: Any) -> None:
        """See that an analysis' arguments are in their ranges, and name columns that are there.

        Raises
        ------
        UsageError
            If one does not.
        """
        check_ranges(analysis)
        for argument, told in arguments_of(type(analysis)).items():
            for name in told.columns(getattr(analysis, argument)):
                self._check_column(name, told.holds)

    def _check_column(self, name: str, kind: str) -> None:
        if name not in self.kinds:
            there = ", ".join(map(item, self.kinds))
            raise UsageError(f"there is no column '{name}'; there are {there}")
        if kind not in ("any", self.kinds[name]):
            holds, wanted = "categories", "numbers"
            if kind == "category":
                holds, wanted = "numbers", "categories, as which `categories` reads it"
            raise UsageError(f"column '{name}' holds {holds}, and must hold {wanted}")

    def of_kind(self, kind: str, names: Iterable[str]) -> tuple[str, ...]:
        """Choose the columns of a kind."""
        return tuple(name for name in names if self.kinds[name] == kind)

    def text(self, column: str, digest: float) -> str:
        """Return what a category is called."""
        return text_of(self.texts, column, digest)

    def levels(self, column: str, known: Named) -> list[str]:
        """List a column's categories, in order."""
        return [self.text(column, level) for level in known[f"levels:{column}"].tolist()]

    def digest(self, column: str, text: str) -> float:
        """Return the digest of a category that is called so.

        Raises
        ------
        UsageError
            If none is known by that name.
        """
        for digest, known in self.texts.get(column, {}).items():
            if known == text:
                return float(digest)
        raise UsageError(
            f"no category '{text}' of column '{column}' is known: name them with `levels`"
        )

    def known_levels(
        self, columns: Iterable[str], needed: tuple[str, ...] = (), *, told: bool = True
    ) -> tuple[Levels, ...]:
        """Return the stage that learns categories of columns, if there are any columns.

        Of rows that have all cells of `needed`; unless few rows may be `told` of, as where they
        are withheld in the end, a category of few is refused.
        """
        named = tuple(dict.fromkeys(columns))
        return (Levels(named, self.texts, needed, 0 if told else self.least),) if named else ()

    @property
    def share(self) -> float:
        """How many columns a model may have by row that is left."""
        return MOST_SHARE if self.least > 1 else 1.0

    def few(self, rows: float) -> bool:
        """Say whether so many rows are too few to be told of."""
        return 0 < rows < self.least


class Analysis(Protocol):
    """What is asked of the rows of all slaves."""

    def __init__(self, *, context: Context, **asked: Any) -> None: ...

    @property
    def chain(self) -> Chain:
        """Its passes."""

    def result(self, known: Named) -> dict[str, Any]:
        """Return what it came to, as plain values, once no pass is missing."""
