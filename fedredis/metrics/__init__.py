"""Metrics of a test, from sums that add up over the slaves."""

from __future__ import annotations

from fedredis.metrics.classification import Classification
from fedredis.metrics.protocol import Measure
from fedredis.metrics.regression import Regression

__all__ = ["Classification", "Measure", "Regression", "measure"]


def measure(classes: int) -> Measure:
    """Return how models of `classes` classes are measured; with none, they predict a number."""
    return Classification(classes) if classes else Regression()
