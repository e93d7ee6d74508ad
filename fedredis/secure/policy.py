"""What a slave's owner allows: a file that only the slave's own process reads.

It holds for whatever a master asks, with masks and without; each rule is refused by its name, in
a line that both sides see.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Self

from fedredis.errors import RuleError, UsageError
from fedredis.secure.identity import Roster

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

#: The kinds of rounds that there are for an owner. Scores are of a test, and so are `evaluate`.
ROUNDS = ("statistics", "train", "grow", "evaluate", "inference")
#: Those in which parameters are learned: numbers that may say more of rows than there are rows.
LEARNING = ("train", "grow", "inference")


@dataclass(frozen=True)
class Request:
    """What a round asks of each slave."""

    #: Such as ``train:5``, and its kind.
    round: str
    kind: str
    columns: tuple[str, ...]
    #: How many slaves are asked.
    slaves: int
    #: How many numbers would leave; cells that count rows have a rule of their own.
    numbers: int
    masked: bool


def _rule(default: Any, what: str) -> Any:
    return field(default=default, metadata={"what": what})


@dataclass(frozen=True)
class Policy:
    """An owner's rules; what is not said is allowed."""

    columns: tuple[str, ...] = _rule((), "columns that may be learned from; all, if none is named")
    exchanges: tuple[str, ...] = _rule(
        (), f"kinds of rounds to take part in, of {', '.join(ROUNDS)}"
    )
    least_rows: int = _rule(0, "rows that it must have for a round: to train on, or held out")
    least_cell: int = _rule(0, "rows in a cell of its counts; not looked at under masks")
    most_parameters: float = _rule(
        0.0, "numbers that leave when something is learned, counts aside, as a share of its rows"
    )
    least_slaves: int = _rule(0, "slaves that a sum must be of; only masks make sure of it")
    most_rounds: int = _rule(0, "rounds a day")
    masks: bool = _rule(False, "whether nothing may leave without a mask")
    roster: Roster | None = None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the tables ``[policy]`` and ``[roster]`` of a TOML file.

        Raises
        ------
        UsageError
            If it is none, others can change it, or a rule is unknown or of another kind.
        """
        try:
            open_to_others = path.stat().st_mode & 0o002
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}") from None
        except ValueError as error:
            raise UsageError(f"{path} is not TOML: {error}") from None
        if open_to_others:
            raise UsageError(f"{path} can be changed by other users: chmod o-w {path}")
        if unknown := sorted(tables.keys() - {"policy", "roster"}):
            raise UsageError(
                f"{path}: there is no table [{unknown[0]}], but [policy] and [roster]"
            )
        given = tables.get("policy", {})
        if not isinstance(given, dict):
            raise UsageError(f"{path}: policy must be a table, [policy], with a rule in each line")
        known = {one.name: one for one in fields(cls) if one.metadata}
        rules = {}
        for name, value in given.items():
            if name not in known:
                raise UsageError(f"{path}: there is no rule {name!r}, but {', '.join(known)}")
            rules[name] = _value(path, name, value, known[name].default)
        if strange := [kind for kind in rules.get("exchanges", ()) if kind not in ROUNDS]:
            raise UsageError(
                f"{path}: rule exchanges has {strange[0]!r}, which is none of {', '.join(ROUNDS)}"
            )
        roster = Roster.from_table(tables["roster"], str(path)) if "roster" in tables else None
        return cls(**rules, roster=roster)

    def tightened(self, *, least_rows: int = 0, least_cell: int = 0) -> Self:
        """Return the same with limits that are not below these."""
        return replace(
            self,
            least_rows=max(self.least_rows, least_rows),
            least_cell=max(self.least_cell, least_cell),
        )

    @property
    def rules(self) -> dict[str, Any]:
        """The rules' values by their names."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.metadata}

    def lines(self) -> list[tuple[str, str, str]]:
        """Describe the rules: name, value or "-", what it says."""
        what = {one.name: one.metadata["what"] for one in fields(self) if one.metadata}
        return [(name, _told(value), what[name]) for name, value in self.rules.items()]

    def check(self, asked: Request, rows: int, today: int) -> None:
        """See that a slave may take part in a round, `today` after so many others.

        `rows` is how many it has for it: to train on, or held out, or all.

        Raises
        ------
        RuleError
            If a rule forbids it.
        """
        if self.exchanges and asked.kind not in self.exchanges:
            allowed = ", ".join(self.exchanges)
            raise _refusal("exchanges", f"{asked.round} is none of {allowed}")
        if self.masks and not asked.masked:
            raise RuleError("masks", f"{asked.round} is without masks; the run needs secure")
        strange = [name for name in asked.columns if self.columns and name not in self.columns]
        if strange:
            why = f"column '{strange[0]}' may not be learned from; `columns` leaves it out"
            raise RuleError("columns", why)
        if rows < self.least_rows:
            raise _refusal("least_rows", f"{rows} rows, {self.least_rows} are needed")
        if asked.slaves < self.least_slaves:
            few = f"{asked.slaves} slaves in a sum, {self.least_slaves} are needed"
            raise _refusal("least_slaves", few)
        most = self.most_parameters * rows
        if self.most_parameters and asked.kind in LEARNING and asked.numbers > most:
            much = f"{asked.numbers} numbers would leave, {int(most)} at most for {rows} rows"
            raise _refusal("most_parameters", f"{much}; fewer columns or a smaller model fit")
        if self.most_rounds and today >= self.most_rounds:
            many = f"{today} rounds today, {self.most_rounds} at most"
            raise _refusal("most_rounds", f"{many}; tomorrow there are others")

    def check_counts(self, counts: Sequence[NDArray[np.int64]]) -> None:
        """See that no cell of counts is of too few rows; empty ones may be.

        Raises
        ------
        RuleError
            If one is.
        """
        for cells in counts:
            if self.least_cell and ((cells > 0) & (cells < self.least_cell)).any():
                few = f"a cell counts fewer than {self.least_cell} rows, which masks would hide"
                raise RuleError("least_cell", few)


def _refusal(rule: str, why: str) -> RuleError:
    """Say what a rule refuses that its owner alone can change, and how others can go on."""
    return RuleError(rule, f"{why}; its owner's policy says so, a `quorum` goes on without it")


def _value(path: Path, name: str, value: Any, default: Any) -> Any:
    """Return a rule's value, if it is of its kind."""
    # What would allow nothing is not taken for what allows all, as the defaults do.
    if isinstance(default, tuple):
        fits = isinstance(value, list) and value and all(isinstance(one, str) for one in value)
        value, kind = tuple(value) if fits else value, "a list of names, one at least"
    elif isinstance(default, bool):
        fits, kind = isinstance(value, bool), "true or false"
    else:
        most = name.startswith("most")
        fits = type(value) in (int, type(default)) and 0 <= value < float("inf")
        fits = fits and (value > 0 or not most)
        kind = "a number" if isinstance(default, float) else "a whole number"
        kind += " above 0" if most else ", 0 or more"
    if not fits:
        raise UsageError(f"{path}: rule {name} must be {kind}, not {value!r}")
    return value


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "-"
    return ", ".join(value) if isinstance(value, tuple) and value else str(value or "-")
