"""Models with parameters at random, as they are saved and as they predict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis import features, models
from fedredis.api.trained.model_file import Description

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def make_saved(learn: Any) -> Callable[..., tuple[tuple[Any, Any, Any], Callable[[Any], Any]]]:
    """Return a maker of what a file holds, and of what that predicts."""

    def make(columns: Any, X: Any, classes: Any, **settings: str) -> Any:
        mapping = features.make(
            settings["features"], columns, settings["missing"], numeric_labels=not classes
        )
        known = learn(mapping, X, np.arange(len(X)) * 3.0)
        model = models.make(settings["model"], mapping.width(known), len(classes))
        arrays = [np.random.default_rng(5).normal(size=f.shape) for f in model.schema().fields]
        description = Description(
            run="r1",
            round=7,
            dataset="pets-3-0123abcd",
            label="kind",
            columns=columns,
            classes=classes,
            sha256=model.schema().sha256(arrays),
            **settings,
        )
        named = dict(zip(model.schema().names, arrays, strict=True))

        def predict(X: Any) -> Any:
            told = model.predict(arrays, mapping.transform(known, X))
            return told if classes else known["label_mean"] + known["label_scale"] * told

        return (description, named, known), predict

    return make
