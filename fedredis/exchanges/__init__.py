"""What rounds are for: exchanges, the plan that chooses them, and an engine in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedredis.errors import BlobError
from fedredis.exchanges.circles import Channel, Deal
from fedredis.exchanges.evaluation import Evaluation
from fedredis.exchanges.growing import Growing
from fedredis.exchanges.grown import GrownEvaluation
from fedredis.exchanges.hiding import MASK, Hiding
from fedredis.exchanges.inference import Inference
from fedredis.exchanges.masked import Masked
from fedredis.exchanges.protocol import AtHand, Exchange, Kind, Reduced, Rows, Step
from fedredis.exchanges.scores import GrownScoring, Scoring
from fedredis.exchanges.setup import Setup
from fedredis.exchanges.statistics import Statistics
from fedredis.exchanges.training import Training
from fedredis.exchanges.unmask import Unmask

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

#: The exchanges by the kind of round that they are made in; each also names an RQ job.
KINDS: Mapping[str, type[Kind]] = {
    "statistics": Statistics,
    "train": Training,
    "grow": Growing,
    "evaluate": Evaluation,
    "scores": Scoring,
    "inference": Inference,
}
#: What comes before sums that are masked.
BEFORE_MASKS: Mapping[str, type[Kind]] = {"channel": Channel, "deal": Deal}
#: All kinds of rounds.
ROUNDS = (*KINDS, *BEFORE_MASKS, *(MASK + kind for kind in KINDS))
#: Those that are others where trees are grown.
OF_TREES: Mapping[str, type[Kind]] = {"evaluate": GrownEvaluation, "scores": GrownScoring}
#: Those that training is made of.
TRAINING = ("train", "grow")


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
    kinds = {**KINDS, **OF_TREES} if setup.boosts else KINDS
    exchange = kinds[kind].of(setup, name.number, given)
    if not secure:
        return exchange
    hiding = Hiding.of(exchange, setup, given)
    return Masked(hiding) if kind != name.kind else Unmask.of(hiding, given)


def job_of(setup: Setup, name: RoundName) -> str:
    """Tell which jobs serve a round."""
    kind = {**KINDS, **BEFORE_MASKS}.get(name.kind.removeprefix(MASK))
    return kind.job(setup, name.number) if kind else name.kind
