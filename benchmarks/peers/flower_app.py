"""The work as Flower's apps: a ClientApp a slave, a ServerApp with Flower's own FedAvg."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from flwr.app import ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from benchmarks.peers.peer import Measurement
from benchmarks.work import load

if TYPE_CHECKING:
    from collections.abc import Iterable

#: How a ServerApp, which may run in a process of Flower's, hands its figures back.
RESULT = "flower.json"


def make_client_app(root: str) -> ClientApp:
    """Make the app of a slave; its id is the ``partition-id`` that Flower gives its node."""
    app = ClientApp()

    @app.train()
    def train(message: Message, context: Context) -> Message:
        work, slave = load(root), int(context.node_config["partition-id"])
        parameters = message.content["arrays"].to_numpy_ndarrays()
        trained = work.train(parameters, int(message.content["config"]["server-round"]), slave)
        content = {
            "arrays": ArrayRecord(trained),
            "metrics": MetricRecord({"num-examples": work.samples(slave)}),
        }
        return Message(content=RecordDict(content), reply_to=message)

    @app.evaluate()
    def evaluate(message: Message, context: Context) -> Message:
        work, slave = load(root), int(context.node_config["partition-id"])
        accuracy, rows = work.evaluate(message.content["arrays"].to_numpy_ndarrays(), slave)
        metrics = MetricRecord({"accuracy": accuracy, "num-examples": rows})
        return Message(content=RecordDict({"metrics": metrics}), reply_to=message)

    return app


def make_server_app(root: str) -> ServerApp:
    """Make the app that drives the rounds and writes `RESULT`."""
    app = ServerApp()

    @app.main()
    def main(grid: Grid, context: Context) -> None:
        work = load(root)
        strategy = ClockedFedAvg(work.config.slaves)
        result = strategy.start(
            grid,
            ArrayRecord(work.initial()),
            num_rounds=work.config.rounds,
            train_config=ConfigRecord(),
        )
        accuracy = result.evaluate_metrics_clientapp[work.config.rounds]["accuracy"]
        written = Path(root) / f"{RESULT}.part"
        written.write_text(
            json.dumps({"opened": strategy.opened, "ms": strategy.ms, "accuracy": accuracy})
        )
        written.rename(Path(root) / RESULT)

    return app


class ClockedFedAvg(FedAvg):
    """Flower's federated averaging over all slaves, with a clock at both ends of a round."""

    def __init__(self, slaves: int) -> None:
        super().__init__(
            min_train_nodes=slaves, min_evaluate_nodes=slaves, min_available_nodes=slaves
        )
        #: Seconds since 1970 at which each round was opened.
        self.opened: list[float] = []
        #: Milliseconds of each round.
        self.ms: list[float] = []

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Start the clock, and do what Flower does."""
        self.opened.append(time.time())
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_evaluate(
        self, server_round: int, replies: Iterable[Message]
    ) -> MetricRecord | None:
        """Do what Flower does, and stop the clock."""
        metrics = super().aggregate_evaluate(server_round, replies)
        self.ms.append((time.time() - self.opened[-1]) * 1000)
        return metrics


def read(root: Path, started: float) -> Measurement:
    """Read what the ServerApp wrote; `started` are seconds since 1970."""
    result = json.loads((root / RESULT).read_text())
    setup = result["opened"][0] - started + result["ms"][0] / 1000
    return Measurement(result["ms"], result["accuracy"], setup)
