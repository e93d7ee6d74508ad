"""pfl-research's simulated backend, in one process.

Its backend sums over several processes for PyTorch and TensorFlow models only, so a model in
NumPy has one.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pfl.aggregate.simulate import SimulatedBackend
from pfl.aggregate.weighting import WeightByDatapoints
from pfl.algorithm.base import NNAlgorithmParams
from pfl.algorithm.federated_averaging import FederatedAveraging
from pfl.callback.base import TrainingProcessCallback
from pfl.common_types import Population
from pfl.context import CentralContext
from pfl.data.dataset import Dataset
from pfl.data.federated_dataset import FederatedDataset
from pfl.data.sampling import MinimizeReuseUserSampler
from pfl.hyperparam.base import ModelHyperParams
from pfl.metrics import Metrics, Weighted
from pfl.model.base import StatefulModel
from pfl.stats import MappedVectorStatistics

from benchmarks.peers.peer import Measurement, main

if TYPE_CHECKING:
    from benchmarks.work import Work

#: pfl's evaluation of training users is done when the iteration's number (from 0) is a multiple.
NEVER = 1_000_000
#: pfl's name for the accuracy of a global model on its validation users.
ACCURACY = "Val population | accuracy before local training"


class Model(StatefulModel):
    """The work's model, its parameters held by name as pfl wants them."""

    def __init__(self, work: Work) -> None:
        self.work, self.parameters = work, work.initial()

    def get_parameters(self, placeholders: Any = None) -> MappedVectorStatistics:
        """Hand out the parameters."""
        return MappedVectorStatistics({"weights": self.parameters[0]})

    def set_parameters(self, w: MappedVectorStatistics) -> None:
        """Take parameters in."""
        self.parameters = [w["weights"]]

    def get_model_difference(
        self, other_parameters: MappedVectorStatistics, clone: bool = False
    ) -> MappedVectorStatistics:
        """Subtract parameters from these."""
        return MappedVectorStatistics(
            {"weights": self.parameters[0] - other_parameters["weights"]}
        )

    def apply_model_update(self, statistics: MappedVectorStatistics) -> tuple[Model, Metrics]:
        """Add an average difference."""
        self.parameters = [self.parameters[0] + statistics["weights"]]
        return self, Metrics()

    def evaluate(self, dataset: Dataset, name_formatting_fn: Any, eval_params: Any = None) -> Any:
        """Test on the held-out rows of the user that a data set is of."""
        accuracy, rows = self.work.evaluate(self.parameters, int(dataset.user_id))
        return Metrics([(name_formatting_fn("accuracy"), Weighted(accuracy * rows, rows))])

    def save(self, dir_path: str) -> None:
        """Save nothing."""

    def load(self, dir_path: str) -> None:
        """Load nothing."""


class Averaging(FederatedAveraging):
    """pfl's federated averaging, with the work's training in the place of its own SGD."""

    def train_one_user(
        self,
        initial_model_state: MappedVectorStatistics,
        model: Model,
        user_dataset: Dataset,
        central_context: CentralContext,
    ) -> tuple[MappedVectorStatistics, Metrics]:
        """Train as the user's slave does."""
        number = central_context.current_central_iteration + 1
        slave = int(user_dataset.user_id)
        model.parameters = model.work.train(model.parameters, number, slave)
        return model.get_model_difference(initial_model_state), Metrics()


class Testing(TrainingProcessCallback):
    """Tests the new model on all users, through the backend, and clocks the round.

    pfl's own evaluation within an iteration would be of the model before the update.
    """

    def __init__(self, backend: SimulatedBackend, algorithm: Averaging, slaves: int) -> None:
        self._backend, self._algorithm, self._slaves = backend, algorithm, slaves
        self.accuracy = 0.0
        self.ticks: list[float] = []

    def after_central_iteration(
        self, aggregate_metrics: Metrics, model: Model, *, central_iteration: int
    ) -> tuple[bool, Metrics]:
        """Test and clock."""
        context = CentralContext(
            current_central_iteration=central_iteration,
            do_evaluation=True,
            cohort_size=self._slaves,
            population=Population.VAL,
            algorithm_params=None,
            model_train_params=None,
        )
        test = self._backend.async_gather_results(model, self._algorithm, central_context=context)
        _, metrics = asyncio.get_event_loop().run_until_complete(test)
        self.accuracy = metrics.to_simple_dict()[ACCURACY]
        self.ticks.append(time.perf_counter())
        return False, Metrics()


def measure(work: Work) -> Measurement:
    """Simulate a user a slave."""
    started = time.perf_counter()
    asyncio.set_event_loop(asyncio.new_event_loop())
    slaves = work.config.slaves

    def users() -> FederatedDataset:
        def open_user(slave: int) -> Dataset:
            rows = work.slave(slave)
            return Dataset((rows.train_X, rows.train_y), user_id=str(slave))

        return FederatedDataset(open_user, MinimizeReuseUserSampler(range(slaves)))

    algorithm = Averaging()
    backend = SimulatedBackend(users(), users(), postprocessors=[WeightByDatapoints()])
    testing = Testing(backend, algorithm, slaves)
    parameters = NNAlgorithmParams(
        central_num_iterations=work.config.rounds,
        evaluation_frequency=NEVER,
        train_cohort_size=slaves,
        val_cohort_size=None,
    )
    algorithm.run(
        parameters,
        backend,
        Model(work),
        ModelHyperParams(),
        callbacks=[testing],
        send_metrics_to_platform=False,  # it would print them
    )
    asyncio.get_event_loop().close()
    ticks = [started, *testing.ticks]
    round_ms = [(b - a) * 1000 for a, b in itertools.pairwise(ticks)]
    return Measurement(round_ms, testing.accuracy, ticks[1] - started, {"processes": 1})


if __name__ == "__main__":
    main("pfl-simulation", version("pfl"), measure)
