"""Strategies: what slaves are sent, how what comes back is reduced, how the global model moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.errors import UsageError
from fedredis.lazy import Lazy
from fedredis.models.protocol import lacks
from fedredis.strategies.fedavg import FedAvg
from fedredis.strategies.local import LocalResults, LocalSlaves, LocalWork
from fedredis.strategies.options import build
from fedredis.strategies.protocol import Global, Limits, Returned, Strategy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedredis.models.protocol import Model

__all__ = [
    "STRATEGIES",
    "FedAvg",
    "Global",
    "Limits",
    "LocalResults",
    "LocalSlaves",
    "LocalWork",
    "Returned",
    "Strategy",
    "check",
    "make",
]

#: The strategies by the name that a config calls them.
STRATEGIES: Mapping[str, type[Strategy]] = Lazy(
    __name__,
    {
        "bulyan": "bulyan.Bulyan",
        "fedadagrad": "fedadagrad.FedAdagrad",
        "fedadam": "fedadam.FedAdam",
        "fedavg": "fedavg.FedAvg",
        "fedavgm": "fedavgm.FedAvgM",
        "fednova": "fednova.FedNova",
        "fedprox": "fedprox.FedProx",
        "fedyogi": "fedyogi.FedYogi",
        "geometric-median": "geometric_median.GeometricMedian",
        "krum": "krum.Krum",
        "median": "median.Median",
        "multi-krum": "multi_krum.MultiKrum",
        "newton": "newton.Newton",
        "norm-clipping": "norm_clipping.NormClipping",
        "qfedavg": "qfedavg.QFedAvg",
        "scaffold": "scaffold.Scaffold",
        "trimmed-mean": "trimmed_mean.TrimmedMean",
    },
)


def make(name: str, options: Mapping[str, str]) -> Strategy:
    """Make the strategy of a name, with options as text."""
    return build(STRATEGIES, name, options)


def check(name: str, strategy: Strategy, model: Model, model_name: str) -> None:
    """See that a model does what a strategy asks of it.

    Raises
    ------
    UsageError
        If it does not.
    """
    missing = lacks(model, strategy.requires)
    if missing:
        raise UsageError(
            f"{name} can't train the model {model_name!r}, which lacks {missing}: see "
            f"{strategy.requires.__name__} in fedredis/models/protocol.py",
            field="strategy",
        )
