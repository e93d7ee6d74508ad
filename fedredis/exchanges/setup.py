"""From the names in a config to what they name: feature map, strategy, model, measure.

What some runs alone need, trees, masks and analyses, is imported when it is asked for.

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
from fedredis.config import BALANCED
from fedredis.errors import UsageError
from fedredis.features import BINS, WeighedMean, Weights
from fedredis.features.bins import coded
from fedredis.models import TREES
from fedredis.models.protocol import takes
from fedredis.strategies import Limits

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from fedredis.arrays import Arrays, Named
    from fedredis.config import RunConfig
    from fedredis.exchanges.coded import Coded
    from fedredis.exchanges.protocol import Rows
    from fedredis.features import Features
    from fedredis.inference.analyses import Analysis
    from fedredis.metrics import Measure
    from fedredis.models import Model
    from fedredis.secure.circle import Terms
    from fedredis.strategies import Strategy
    from fedredis.trees.boosting import Boosting
    from fedredis.trees.forest import Forest

#: What the config of a run that grows trees calls its strategy and its features.
BOOSTING = "boosting"


#: Slaves that a masked sum is of, at least: of two each knows the other's part.
LEAST_MASKED = 3
#: Rows of a cell that is told at least, where slaves have names, unless something else is said.
LEAST_CELL = 5


@dataclass(frozen=True)
class Prepared:
    """A slave's rows as model inputs X (n, width), labels y (n,) and weights w (n,)."""

    train_X: NDArray[Any]  # noqa: N815
    train_y: NDArray[Any]
    test_X: NDArray[Any]  # noqa: N815
    test_y: NDArray[Any]
    train_w: NDArray[Any] | None = None


@dataclass(frozen=True)
class Setup:
    """A run's config, and what it names."""

    config: RunConfig
    allowed: Collection[str] = ()
    #: The run's id, which masks are bound to.
    run: str = ""

    @cached_property
    def terms(self) -> Terms:
        """What slaves sign who mask."""
        from fedredis.secure.circle import Terms

        config = self.config
        # The threshold says how few are enough here, whatever the quorum.
        return Terms(self.run, config.digest, config.slave_ids, config.threshold)

    @cached_property
    def features(self) -> Features:
        """The feature map."""
        config = self.config
        if self.boosts:
            of_labels = len(config.classes), self.boosting.bins, self.boosting.least_label
            made = coded(config.columns, *of_labels)
        else:
            made = features.make(
                config.features,
                config.columns,
                config.reading.missing,
                numeric_labels=not config.classes,
            )
        if not self.weights:
            return made
        parts: list[Features] = [self.weights]
        if self.boosts and not config.classes:
            parts.append(WeighedMean(self.weights))
        return replace(made, parts=(*made.parts, *(((), part) for part in parts)))

    @cached_property
    def weights(self) -> Weights | None:
        """What rows weigh in training, if not all the same."""
        config = self.config
        balanced, column = config.class_weight == BALANCED, bool(config.reading.weights)
        if not (balanced or column):
            return None
        return Weights(len(config.classes), balanced, column, config.rows)

    @property
    def boosts(self) -> bool:
        """Whether trees are grown, level by level, and no parameters are trained."""
        return self.config.model == TREES

    @cached_property
    def boosting(self) -> Boosting:
        """How trees are grown."""
        from fedredis.trees.boosting import Boosting

        return Boosting.of(self.config.options)

    def forest(self, known: Named) -> Forest:
        """Make what the model's codes, its loss and its options come to together."""
        from fedredis.trees.forest import Forest

        return Forest(self.boosting, len(self.config.classes), known)

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
        from fedredis.inference import analyses

        config = self.config
        kinds = {column.name: column.kind for column in config.columns}
        asked, texts = config.analysis, dict(config.analysis.get("texts", {}))
        if config.reading.label:
            kinds[config.reading.label] = "category" if config.classes else "number"
            texts[config.reading.label] = {
                str(i): name for i, name in enumerate(config.classes, 1)
            }
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

    def beginning(self, known: Named) -> dict[str, Named]:
        """Make the artifacts that training starts from, once the features know all.

        Raises
        ------
        DataError
            If the labels are none that the model is for.
        """
        if self.boosts:
            return {"model:0": self.forest(known).empty().named()}
        model = self.model(known)
        first = model.initialise(np.random.default_rng([self.config.seed, 0]))
        artifacts = {"model:0": model.schema().named(first)}
        if state := self.strategy.initial(model):
            artifacts["strategy:0"] = state
        return artifacts

    def limits(self, known: Named, number: int) -> Limits:
        """Say how large what slaves return in a round of training can be."""
        return Limits(
            max_norm=self.config.max_norm,
            inputs=self.features.bounds(known),
            label=float(known["label_bound"]) if "label_bound" in known else 1.0,
            settings=self.config.training(number),
            rows=self.config.rows,
            weight=float(known["weight_bound"]) if self.weights else 1.0,
        )

    def prepare(self, known: Named, rows: Rows) -> Prepared | Coded:
        """Map a slave's rows to model inputs; labels that are numbers are standardised."""
        train_y, test_y, w = rows.train_y, rows.test_y, None
        if self.weights:
            w = self.weights.of(known, train_y, rows.train_w)
        if not self.config.classes:
            mean, scale = known["label_mean"], known["label_scale"]
            train_y, test_y = (train_y - mean) / scale, (test_y - mean) / scale
        transform = self.features.transform
        inputs = Prepared(
            transform(known, rows.train_X), train_y, transform(known, rows.test_X), test_y, w
        )
        if not self.boosts:
            return inputs
        from fedredis.exchanges.coded import Coded

        return Coded.of(rows, inputs, counts=self.boosting.loss == "poisson")

    def predict(self, known: Named, parameters: Arrays, X: NDArray[Any]) -> NDArray[Any]:
        """Predict for rows X (n, columns): probabilities (n, classes), or numbers (n, 1)."""
        inputs = self.features.transform(known, X)
        if self.boosts:
            from fedredis.trees.ensemble import Ensemble

            found = self.forest(known).predict(Ensemble.of_arrays(parameters), inputs)
        else:
            found = self.model(known).predict(parameters, inputs)
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
        if config.secure:
            self._check_masks()
        if config.analysis:
            _ = self.analysis
            return
        _ = self.features
        if config.class_weight == BALANCED and not config.classes:
            raise UsageError(
                f"{BALANCED} is for classes, and labels are numbers", field="class_weight"
            )
        if self.boosts:
            self._check_trees()
            return
        # How many inputs it will have is not known yet, and makes no difference here.
        model = models.make(config.model, 1, len(config.classes), self.allowed)
        strategies.check(config.strategy, self.strategy, model, config.model)
        if self.weights and not takes(model.train, "weights"):
            raise UsageError(
                f"the model {config.model!r} can't weigh rows: its train takes no `weights`, see "
                "Model in fedredis/models/protocol.py",
                field="class_weight" if not config.reading.weights else "weights",
            )
        try:
            self.strategy.check(config.sample or config.slaves)
        except UsageError as error:
            raise UsageError(f"{config.strategy}: {error}", field="strategy") from None
        if config.secure and self.strategy.single:
            raise UsageError(
                f"{config.strategy} looks at each slave's update, which masks hide: choose a "
                "strategy that adds them up, or run it without masks",
                field="strategy",
            )

    def _check_masks(self) -> None:
        from fedredis.secure.graph import threshold

        config = self.config
        asked = config.sample or config.slaves
        if asked < LEAST_MASKED:
            raise UsageError(
                f"masks hide a slave among others: {asked} are too few, {LEAST_MASKED} are needed"
            )
        least = threshold(config.threshold, asked)
        if config.quorum and config.quorum < least:
            raise UsageError(
                f"must be at least the {least} slaves that unmask a sum, not {config.quorum}",
                field="quorum",
            )

    def _check_trees(self) -> None:
        for field, only in (("strategy", BOOSTING), ("features", BINS)):
            value = getattr(self.config, field)
            if value != only:
                raise UsageError(f"trees are grown by {only}, not {value}", field=field)
        self.boosting.make_loss(len(self.config.classes))

    def alone(self, name: str, rows: int) -> Setup:
        """Return the same for a single slave, who has `rows` rows."""
        config = replace(
            self.config, slaves=1, names=(name,), rows=rows, sample=0, quorum=0, patience=0
        )
        return Setup(replace(config, threshold=0.0, each=()), self.allowed)
