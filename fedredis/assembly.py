"""From the names in a config to what they name: feature map, strategy, model, measure.

A config may name a model of the user's own. `allowed` then says which of them this process may
import (see `fedredis.models.external`); it comes from whoever runs the process, never from Redis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis import features, metrics, models, strategies
from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection

    from fedredis.config import RunConfig
    from fedredis.features.protocol import Features, Known
    from fedredis.metrics import Measure
    from fedredis.models.protocol import Model
    from fedredis.strategies import Strategy


def features_of(config: RunConfig) -> Features:
    """Make the feature map of a run."""
    return features.make(config.features, config.columns, config.missing)


def strategy_of(config: RunConfig) -> Strategy:
    """Make the strategy of a run, with its options."""
    return strategies.make(config.strategy, config.options)


def measure_of(config: RunConfig) -> Measure:
    """Say how the predictions of a run are measured."""
    return metrics.measure(len(config.classes))


def model_of(config: RunConfig, known: Known, allowed: Collection[str] = ()) -> Model:
    """Make the model of a run, once its features know all that they must."""
    width = features_of(config).width(known)
    return models.make(config.model, width, len(config.classes), allowed)


def check(config: RunConfig, allowed: Collection[str] = ()) -> None:
    """See that what a config names exists and goes together.

    Raises
    ------
    UsageError
        If it does not.
    """
    features_of(config)
    strategy = strategy_of(config)
    # How many inputs it will have is not known yet, and makes no difference here.
    model = models.make(config.model, 1, len(config.classes), allowed)
    if not isinstance(model, strategy.requires):
        raise UsageError(
            f"--strategy {config.strategy} can't train the model {config.model!r}: it needs a "
            f"{strategy.requires.__name__}, see fedredis/models/protocol.py"
        )
    try:
        strategy.check(config.sample or config.slaves)
    except UsageError as error:
        raise UsageError(f"--strategy {config.strategy}: {error}") from None
