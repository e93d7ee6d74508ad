"""Which columns the trees of a run look at, and what that gains."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from fedredis.features.bins import places_of

if TYPE_CHECKING:
    from fedredis.arrays import Named
    from fedredis.config import RunConfig


def importance(config: RunConfig, model: Named) -> list[dict[str, Any]]:
    """List the columns of a run that grows trees, the one that gains most first.

    Of each: ``column``, ``gain``, its share of what all splits gain, and ``splits``, their number.
    """
    from fedredis.trees.ensemble import Ensemble  # most runs grow no trees

    # The codes of numbers come first, then those of categories.
    places = chain(*places_of(config.columns))
    names = [config.columns[place].name for place in places]
    gains, splits = Ensemble.of(model).trees.importance(len(names))
    shares = (gains / (gains.sum() or 1.0)).tolist()
    found = zip(names, shares, splits.tolist(), strict=True)
    listed = [dict(zip(("column", "gain", "splits"), of, strict=True)) for of in found]
    return sorted(listed, key=lambda one: -one["gain"])
