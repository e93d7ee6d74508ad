"""Feature maps: from the columns of the data to the inputs of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.errors import UsageError
from fedredis.features.plain import Plain
from fedredis.features.prepared import Prepared
from fedredis.features.protocol import Column, Features, Known
from fedredis.features.quadratic import Quadratic

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FEATURES", "Column", "Features", "Known", "Plain", "Prepared", "Quadratic", "make"]

#: The feature maps by the name that a config calls them.
FEATURES: Mapping[str, type[Plain] | type[Quadratic]] = {"plain": Plain, "quadratic": Quadratic}


def make(name: str, columns: tuple[Column, ...], missing: str = "error") -> Features:
    """Make the feature map of a name for the given columns.

    Parameters
    ----------
    missing
        ``mean`` if cells may be missing, and are to be filled.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    if name not in FEATURES:
        raise UsageError(f"no features '{name}'; there are: {', '.join(FEATURES)}")
    numbers = tuple(column for column in columns if column.kind == "number")
    if len(numbers) == len(columns) and missing != "mean":
        return FEATURES[name](columns)
    return Prepared(FEATURES[name](numbers), columns, missing)
