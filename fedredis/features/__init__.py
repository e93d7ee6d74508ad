"""Feature maps: from the columns of the data to the inputs of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.errors import UsageError
from fedredis.features.bins import MOST_BINS, coded
from fedredis.features.categories import ALONE, Categories
from fedredis.features.labels import Labels, WeighedMean
from fedredis.features.plain import Plain
from fedredis.features.prepared import Prepared
from fedredis.features.protocol import Column, Features
from fedredis.features.quadratic import Quadratic
from fedredis.features.weights import Weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "ALONE",
    "BINS",
    "FEATURES",
    "Column",
    "Features",
    "Plain",
    "WeighedMean",
    "Weights",
    "check_name",
    "make",
]

#: What trees are grown from.
BINS = "bins"

#: The maps of numbers by the name that a config calls them.
FEATURES: Mapping[str, Callable[..., Features]] = {"plain": Plain, "quadratic": Quadratic}


def check_name(name: str) -> None:
    """See that there is a feature map of this name.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name != BINS and name not in FEATURES:
        raise UsageError(f"must be one of {', '.join(FEATURES)}, not {name!r}", field="features")


def make(
    name: str, columns: tuple[Column, ...], missing: str = "error", numeric_labels: bool = False
) -> Prepared:
    """Make the feature map of a name for the given columns.

    The inputs of a row are those that the map makes of its numbers, then one for each category of
    each column that holds such.

    Parameters
    ----------
    missing
        ``mean`` if cells may be missing, and are to be filled.
    numeric_labels
        Whether labels are numbers, which are then learned to be standardised.
    """
    check_name(name)
    if name == BINS:
        return coded(columns, 0 if numeric_labels else 2, MOST_BINS)
    parts: list[tuple[tuple[int, ...], Features]] = []
    for kind in ("number", "category"):
        at = tuple(i for i, column in enumerate(columns) if column.kind == kind)
        those = tuple(columns[i] for i in at)
        if at and kind == "number":
            parts.append((at, FEATURES[name](those, gaps=missing == "mean")))
        elif at:
            parts.append((at, Categories(those)))
    if numeric_labels:
        parts.append(((), Labels()))
    return Prepared(tuple(parts))
