"""Measures: figures of a test, from sums that add up over the slaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.metrics import classification, regression
from fedredis.metrics.classification import Classification
from fedredis.metrics.protocol import Figure, Measure
from fedredis.metrics.regression import Regression

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FIGURES", "Classification", "Figure", "Measure", "Regression", "measure"]

#: The figures of all measures by name, in the order in which they are shown.
FIGURES: Mapping[str, Figure] = {**classification.FIGURES, **regression.FIGURES}


def measure(classes: int) -> Measure:
    """Return how models of `classes` classes are measured; with none, they predict a number."""
    return Classification(classes) if classes else Regression()
