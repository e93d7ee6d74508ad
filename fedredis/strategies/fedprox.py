"""Federated averaging with a proximal term."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fedredis.models.protocol import GradientTerm, SteeredModel
from fedredis.strategies.fedavg import FedAvg
from fedredis.strategies.local import LocalResults
from fedredis.strategies.options import require

if TYPE_CHECKING:
    from fedredis.strategies.local import LocalWork


@dataclass(frozen=True)
class FedProx(FedAvg):
    """A proximal term: slaves are held back from going far from the model that they were sent.

    Each slave adds ``mu / 2 ||w - w_0||^2`` to its loss, w_0 being the model that was sent, so
    ``mu (w - w_0)`` to the gradient of each step; the mean is that of FedAvg.

    Li et al., "Federated Optimization in Heterogeneous Networks", MLSys 2020, algorithm 2.
    With a mu of 0 it is FedAvg.
    """

    requires: ClassVar[type] = SteeredModel

    mu: float = 0.05

    def __post_init__(self) -> None:
        require(self.mu >= 0, "mu", self.mu, "0 or more")

    def local(self, work: LocalWork) -> LocalResults:
        """Train the model that was sent, with the term."""
        trained = work.train([GradientTerm(proximal=self.mu)] * work.count)
        return LocalResults(work.points(trained))
