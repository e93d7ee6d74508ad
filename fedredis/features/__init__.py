"""Feature maps: from the columns of the data to the inputs of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.errors import UsageError
from fedredis.features.plain import Plain
from fedredis.features.protocol import Column, Features, Known
from fedredis.features.quadratic import Quadratic

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FEATURES", "Column", "Features", "Known", "Plain", "Quadratic", "make"]

#: The feature maps by the name that a config calls them.
FEATURES: Mapping[str, type[Plain] | type[Quadratic]] = {"plain": Plain, "quadratic": Quadratic}


def make(name: str, columns: tuple[Column, ...]) -> Features:
    """Make the feature map of a name for the given columns.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    if name not in FEATURES:
        raise UsageError(f"no features '{name}'; there are: {', '.join(FEATURES)}")
    return FEATURES[name](columns)
