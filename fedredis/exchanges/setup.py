"""From the names in a config to what they name: feature map, strategy, model, measure.

A config may name a model of the user's own. `allowed` then says which of them this process may
import (see `fedredis.models.external`); it comes from whoever runs the process, never from Redis.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis import features, metrics, models, strategies
from fedredis.arrays import Scope
from fedredis.errors import UsageError
from fedredis.inference import analyses
from fedredis.strategies import Limits

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named
    from fedredis.config import RunConfig
    from fedredis.exchanges.protocol import Rows
    from fedredis.features import Features
    from fedredis.inference.analyses import Analysis
    from fedredis.metrics import Measure
    from fedredis.models import Model
    from fedredis.strategies import Strategy

#: Rows of a cell that is told at least, where slaves have names, unless something else is said.
LEAST_CELL = 5


@dataclass(frozen=True)
class Prepared:
    """A slave's rows as model inputs X (n, width) and labels y (n,)."""

    train_X: NDArray[Any]  # noqa: N815
    train_y: NDArray[Any]
    test_X: NDArray[Any]  # noqa: N815
    test_y: NDArray[Any]


@dataclass(frozen=True)
class Setup:
    """A run's config, and what it names."""

    config: RunConfig
    allowed: Collection[str] = ()

    @cached_property
    def features(self) -> Features:
        """The feature map."""
        config = self.config
        return features.make(
            config.features, config.columns, config.missing, numeric_labels=not config.classes
        )

    @cached_property
    def strategy(self) -> Strategy:
        """The strategy, with its options."""
        return strategies.make(self.config.strategy, self.config.options)

    @cached_property
    def measure(self) -> Measure:
        """How predictions are measured."""
        return metrics.measure(len(self.config.classes))

    @cached_property
    def analysis(self) -> Analysis:
        """What is asked, where nothing is trained.

        Raises
        ------
        UsageError
            If it can't be asked so.
        """
        config = self.config
        kinds = {column.name: column.kind for column in config.columns}
        asked, texts = config.analysis, dict(config.analysis.get("texts", {}))
        if config.label:
            kinds[config.label] = "category" if config.classes else "number"
            texts[config.label] = {str(i): name for i, name in enumerate(config.classes, 1)}
        # Whoever brings a file of its own is somebody.
        least = int(asked.get("least_cell", LEAST_CELL if config.names else 0))
        return analyses.make(asked, analyses.Context(kinds, self.scope, texts, least))

    @property
    def scope(self) -> Scope:
        """How many slaves and rows can come together in a sum."""
        return Scope(self.config.slaves, self.config.rows)

    def model(self, known: Named) -> Model:
        """Make the model, once the features know all that they must.

        Raises
        ------
        UsageError
            If it is one of the user's own that is not allowed here, or can't be made.
        """
        width, classes = self.features.width(known), len(self.config.classes)
        return models.make(self.config.model, width, classes, self.allowed)

    def limits(self, known: Named, number: int) -> Limits:
        """Say how large what slaves return in a round of training can be."""
        return Limits(
            max_norm=self.config.max_norm,
            inputs=self.features.bounds(known),
            label=float(known["label_bound"]) if "label_bound" in known else 1.0,
            settings=self.config.training(number),
            rows=self.config.rows,
        )

    def prepare(self, known: Named, rows: Rows) -> Prepared:
        """Map a slave's rows to model inputs; labels that are numbers are standardised."""
        train_y, test_y = rows.train_y, rows.test_y
        if not self.config.classes:
            mean, scale = known["label_mean"], known["label_scale"]
            train_y, test_y = (train_y - mean) / scale, (test_y - mean) / scale
        transform = self.features.transform
        return Prepared(
            transform(known, rows.train_X), train_y, transform(known, rows.test_X), test_y
        )

    def predict(self, known: Named, parameters: Arrays, X: NDArray[Any]) -> NDArray[Any]:
        """Predict for rows X (n, columns): probabilities (n, classes), or numbers (n, 1)."""
        found = self.model(known).predict(parameters, self.features.transform(known, X))
        if self.config.classes:
            return found
        return np.asarray(known["label_mean"] + known["label_scale"] * found)

    def check(self) -> None:
        """See that what the config names exists and goes together.

        Raises
        ------
        UsageError
            If it does not.
        """
        config = self.config
        if config.analysis:
            _ = self.analysis
            return
        _ = self.features
        # How many inputs it will have is not known yet, and makes no difference here.
        model = models.make(config.model, 1, len(config.classes), self.allowed)
        strategies.check(config.strategy, self.strategy, model, config.model)
        try:
            self.strategy.check(config.sample or config.slaves)
        except UsageError as error:
            raise UsageError(f"{config.strategy}: {error}", field="strategy") from None

    def alone(self, name: str, rows: int) -> Setup:
        """Return the same for a single slave, who has `rows` rows."""
        config = replace(
            self.config, slaves=1, names=(name,), rows=rows, sample=0, quorum=0, patience=0
        )
        return Setup(config, self.allowed)
