"""What rounds are for: exchanges, the plan that chooses them, and an engine in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedredis.errors import BlobError
from fedredis.exchanges.kinds import BEFORE_MASKS, KINDS, OF_TREES, TRAINING
from fedredis.exchanges.protocol import AtHand, Exchange, Reduced, Rows, Step
from fedredis.exchanges.setup import Setup
from fedredis.secure.naming import MASK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedredis.arrays import Named
    from fedredis.keys import RoundName

__all__ = [
    "KINDS",
    "TRAINING",
    "AtHand",
    "Exchange",
    "Reduced",
    "Rows",
    "Setup",
    "Step",
    "finished",
    "job_of",
    "make",
]


def finished(name: RoundName, entry: Mapping[str, Any]) -> int | None:
    """Tell which round of training is over by a committed exchange, given its entry."""
    if name.kind == "train":
        return name.number
    # Of trees it takes one exchange a level.
    return int(entry["round"]) if name.kind == "grow" and "nodes" in entry else None


def make(setup: Setup, name: RoundName, given: Mapping[str, Named]) -> Exchange:
    """Make the exchange of a round, from the arrays that it reads, by what they are for.

    Raises
    ------
    BlobError
        If there is no such kind of round.
    """
    kind, secure = name.kind.removeprefix(MASK), setup.config.secure
    if secure and kind in BEFORE_MASKS:
        return BEFORE_MASKS[kind].of(setup, name.number, given)
    if kind not in KINDS or (kind != name.kind and not secure):
        raise BlobError(f"there are no rounds of the kind {name.kind!r}")
    kinds = OF_TREES if setup.boosts and kind in OF_TREES else KINDS
    exchange = kinds[kind].of(setup, name.number, given)
    if not secure:
        return exchange
    # What no run without masks needs.
    from fedredis.exchanges.hiding import TESTED, Hiding
    from fedredis.exchanges.masked import Masked
    from fedredis.exchanges.unmask import Unmask

    test = KINDS["evaluate"].of(setup, name.number - 1, given) if TESTED in given else None
    hiding = Hiding.of(exchange, setup, given, test)
    return Masked(hiding) if kind != name.kind else Unmask.of(hiding, given)


def job_of(setup: Setup, name: RoundName) -> str:
    """Tell which jobs serve a round."""
    kind = name.kind.removeprefix(MASK)
    for kinds in (KINDS, BEFORE_MASKS):
        if kind in kinds:
            return kinds[kind].job(setup, name.number)
    return name.kind
