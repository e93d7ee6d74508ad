"""The options of boosting, by the names that scikit-learn and LightGBM have made familiar."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.arguments import argument, arguments_of
from fedredis.errors import UsageError
from fedredis.features.bins import MOST_BINS
from fedredis.trees import losses
from fedredis.trees.growth import Shape
from fedredis.trees.splits import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

#: Rounds, if nothing else is said.
ROUNDS = 200
#: Levels at most: a level's histograms are of up to 2^(depth - 1) nodes a tree.
MOST_DEPTH = 16


@dataclass(frozen=True)
class Boosting:
    """Gradient-boosted trees, the very ones of the pooled rows: how the model `trees` is grown.

    The defaults are what did best on three cuts of the songs.
    """

    depth: int = argument("levels of a tree below its root, at most", 6)
    leaves: int = argument(
        "leaves of a tree at most, those that gain most; 0 for as many as the depth allows", 0
    )
    bins: int = argument("bins of a column of numbers, at most", 64)
    shrinkage: float = argument("what a tree's values are multiplied with", 0.05)
    #: The larger, the nearer a leaf's value is to 0.
    l2: float = argument("added to the Hessian of a leaf", 10.0)
    min_rows: int = argument("rows of a leaf, over all slaves, at least", 20)
    min_gain: float = argument("what a split has to gain", 0.0)
    columns: float = argument("share of the columns that each round draws", 0.5)
    rows: float = argument("share of the rows that each round draws, by what is in them", 0.5)
    loss: str = argument("log, squared or poisson (counts); auto is one of the first two", "auto")

    def __post_init__(self) -> None:
        for name, low, high in (("depth", 1, MOST_DEPTH), ("bins", 2, MOST_BINS)):
            self._require(name, low <= getattr(self, name) <= high, f"between {low} and {high}")
        for name in ("shrinkage", "columns", "rows"):
            self._require(name, 0 < getattr(self, name) <= 1, "above 0, and 1 at most")
        for name in ("l2", "min_gain"):
            self._require(name, 0 <= getattr(self, name) < np.inf, "0 or more")
        self._require("min_rows", self.min_rows >= 1, "at least 1")
        self._require("leaves", self.leaves == 0 or self.leaves >= 2, "at least 2, or 0")

    def _require(self, name: str, ok: bool, what: str) -> None:
        if not ok:
            value = getattr(self, name)
            raise UsageError(f"{_name(name)} must be {what}, not {value}")

    @classmethod
    def told(cls) -> dict[str, tuple[Any, str]]:
        """Say of each option, by the name that it is set by, its default and what it is."""
        meanings = {name: argument.help for name, argument in arguments_of(cls).items()}
        return {_name(f.name): (f.default, meanings[f.name]) for f in fields(cls)}

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Boosting:
        """Read options from text.

        Raises
        ------
        UsageError
            If there is no such option, or a value is out of its range.
        """
        known = {name: default for name, (default, _) in cls.told().items()}
        values = {}
        for name, text in options.items():
            if name not in known:
                raise UsageError(f"trees have no option {name!r}; they have: {', '.join(known)}")
            kind = type(known[name])
            try:
                values[name.replace("-", "_")] = kind(text)
            except ValueError:
                number = "a whole number" if kind is int else "a number"
                raise UsageError(f"{name}={text}: give {number}") from None
        return cls(**values)

    @property
    def least_label(self) -> float:
        """Below what no label that is a number may be."""
        return losses.OF_NUMBERS[self.loss].least if self.loss in losses.OF_NUMBERS else -np.inf

    def make_loss(self, classes: int) -> losses.Loss:
        """Make the loss for so many classes, 0 for numbers."""
        return losses.make(self.loss, classes)

    def shape(self, *, subtract: bool) -> Shape:
        """Say how trees may grow."""
        limits = Limits(self.l2, self.min_rows, self.min_gain)
        return Shape(limits, self.depth, self.leaves, self.shrinkage, subtract)

    def drawn_columns(self, seed: int, number: int, columns: int) -> NDArray[np.intp]:
        """Draw the columns of a round, in order."""
        if self.columns == 1:
            return np.arange(columns)
        rng = np.random.default_rng([seed, 1, number])
        drawn = rng.choice(columns, max(1, round(self.columns * columns)), replace=False)
        return np.sort(drawn)


def _name(field: str) -> str:
    """Return what an option is called where it is set."""
    return field.replace("_", "-")
