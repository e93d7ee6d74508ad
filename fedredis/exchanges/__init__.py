"""What rounds are for: exchanges, the plan that chooses them, and an engine in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.errors import BlobError
from fedredis.exchanges.evaluation import Evaluation
from fedredis.exchanges.inference import Inference
from fedredis.exchanges.protocol import AtHand, Exchange, Reduced, Rows, Step
from fedredis.exchanges.setup import Setup
from fedredis.exchanges.statistics import Statistics
from fedredis.exchanges.training import Training

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedredis.arrays import Named
    from fedredis.keys import RoundName

__all__ = ["KINDS", "AtHand", "Exchange", "Reduced", "Rows", "Setup", "Step", "job_of", "make"]

#: The exchanges by the kind of round that they are made in; each also names an RQ job.
KINDS: Mapping[str, type[Exchange]] = {
    "statistics": Statistics,
    "train": Training,
    "evaluate": Evaluation,
    "inference": Inference,
}


def make(setup: Setup, name: RoundName, given: Mapping[str, Named]) -> Exchange:
    """Make the exchange of a round, from the arrays that it reads, by what they are for.

    Raises
    ------
    BlobError
        If there is no such kind of round.
    """
    if name.kind not in KINDS:
        raise BlobError(f"there are no rounds of the kind {name.kind!r}")
    return KINDS[name.kind].of(setup, name.number, given)


def job_of(setup: Setup, name: RoundName) -> str:
    """Tell which jobs serve a round."""
    return KINDS[name.kind].job(setup, name.number) if name.kind in KINDS else name.kind
