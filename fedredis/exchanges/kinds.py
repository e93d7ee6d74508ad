"""The exchanges by the kind of round that they are made in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.lazy import Lazy
from fedredis.secure.naming import MASK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedredis.exchanges.protocol import Kind

#: The exchanges by the kind of round that they are made in; each also names an RQ job.
KINDS: Mapping[str, type[Kind]] = Lazy(
    "fedredis.exchanges",
    {
        "statistics": "statistics.Statistics",
        "train": "training.Training",
        "grow": "growing.Growing",
        "evaluate": "evaluation.Evaluation",
        "scores": "scores.Scoring",
        "inference": "inference.Inference",
    },
)
#: What comes before sums that are masked.
BEFORE_MASKS: Mapping[str, type[Kind]] = Lazy(
    "fedredis.exchanges", {"channel": "circles.Channel", "deal": "circles.Deal"}
)
#: All kinds of rounds.
ROUNDS = (*KINDS, *BEFORE_MASKS, *(MASK + kind for kind in KINDS))
#: Those that are others where trees are grown.
OF_TREES: Mapping[str, type[Kind]] = Lazy(
    "fedredis.exchanges", {"evaluate": "grown.GrownEvaluation", "scores": "scores.GrownScoring"}
)
#: Those that training is made of.
TRAINING = ("train", "grow")
