"""Federated averaging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fedredis.models.protocol import Model
from fedredis.strategies import state
from fedredis.strategies.local import LocalResults
from fedredis.strategies.protocol import Global

if TYPE_CHECKING:
    from fedredis.arrays import Named, Quantity, Schema
    from fedredis.models.protocol import TrainingSettings
    from fedredis.strategies.local import LocalWork
    from fedredis.strategies.protocol import Limits, Returned


@dataclass(frozen=True)
class FedAvg:
    """The mean of the slaves' parameters, weighted by their numbers of rows.

    ``w = sum_k n_k w_k / sum_k n_k``

    McMahan et al., "Communication-Efficient Learning of Deep Networks from Decentralized Data",
    AISTATS 2017, algorithm 1.
    """

    requires: ClassVar[type] = Model
    single: ClassVar[bool] = False
    sends_state: ClassVar[bool] = False
    remembers: ClassVar[bool] = False

    def check(self, slaves: int) -> None:
        """Take any number of slaves."""

    def quantities(self, model: Model, sent: Global, limits: Limits) -> tuple[Quantity, ...]:
        """Describe what is added up: the parameters times the rows."""
        return state.points(model, sent, limits)

    def memory(self, model: Model) -> Schema:
        """Describe arrays like the parameters."""
        return state.doubles(model)

    def initial(self, model: Model) -> Named:
        """Return no state."""
        return {}

    def local(self, work: LocalWork) -> LocalResults:
        """Train the model that was sent on each slave's own rows."""
        return LocalResults(work.points(work.train()))

    def move(
        self, model: Model, current: Global, returned: Returned, settings: TrainingSettings
    ) -> Global:
        """Return the weighted mean; the current model takes no part in it."""
        return Global(returned.means, current.state)

    def converged(self, before: Global, after: Global) -> bool:
        """Say no: SGD goes on moving."""
        return False

    def warnings(self, before: Global, after: Global, rounds: int) -> tuple[str, ...]:
        """Return none."""
        return ()
