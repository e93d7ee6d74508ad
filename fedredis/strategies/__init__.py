"""Strategies: what slaves are sent, how what comes back is reduced, how the global model moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.errors import UsageError
from fedredis.models.protocol import lacks
from fedredis.strategies.bulyan import Bulyan
from fedredis.strategies.fedadagrad import FedAdagrad
from fedredis.strategies.fedadam import FedAdam
from fedredis.strategies.fedavg import FedAvg
from fedredis.strategies.fedavgm import FedAvgM
from fedredis.strategies.fednova import FedNova
from fedredis.strategies.fedprox import FedProx
from fedredis.strategies.fedyogi import FedYogi
from fedredis.strategies.geometric_median import GeometricMedian
from fedredis.strategies.krum import Krum
from fedredis.strategies.local import LocalResult, LocalSlave, LocalWork
from fedredis.strategies.median import Median
from fedredis.strategies.multi_krum import MultiKrum
from fedredis.strategies.newton import Newton
from fedredis.strategies.norm_clipping import NormClipping
from fedredis.strategies.options import build
from fedredis.strategies.protocol import Global, Limits, Returned, Strategy
from fedredis.strategies.qfedavg import QFedAvg
from fedredis.strategies.scaffold import Scaffold
from fedredis.strategies.trimmed_mean import TrimmedMean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fedredis.models.protocol import Model

__all__ = [
    "STRATEGIES",
    "FedAvg",
    "Global",
    "Limits",
    "LocalResult",
    "LocalSlave",
    "LocalWork",
    "Returned",
    "Strategy",
    "check",
    "make",
]

#: The strategies by the name that a config calls them.
STRATEGIES: Mapping[str, type[Strategy]] = {
    "bulyan": Bulyan,
    "fedadagrad": FedAdagrad,
    "fedadam": FedAdam,
    "fedavg": FedAvg,
    "fedavgm": FedAvgM,
    "fednova": FedNova,
    "fedprox": FedProx,
    "fedyogi": FedYogi,
    "geometric-median": GeometricMedian,
    "krum": Krum,
    "median": Median,
    "multi-krum": MultiKrum,
    "newton": Newton,
    "norm-clipping": NormClipping,
    "qfedavg": QFedAvg,
    "scaffold": Scaffold,
    "trimmed-mean": TrimmedMean,
}


def make(name: str, options: Mapping[str, str]) -> Strategy:
    """Make the strategy of a name, with options as text.

    Raises
    ------
    UsageError
        If there is no such strategy or option, or a value is out of its range.
    """
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
