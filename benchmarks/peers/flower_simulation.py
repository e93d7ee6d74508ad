"""Flower's simulation engine (Ray): two CPUs, one for each client actor."""

from __future__ import annotations

import os
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

# Read when the packages are imported: nothing is reported to anybody.
os.environ.update(
    FLWR_TELEMETRY_ENABLED="0", FLWR_DISABLE_UPDATE_CHECK="1", RAY_USAGE_STATS_ENABLED="0"
)

from flwr.simulation import run_simulation

from benchmarks.peers import flower_app
from benchmarks.peers.peer import Measurement, main

if TYPE_CHECKING:
    from benchmarks.work import Work

CPUS = 2


def measure(work: Work) -> Measurement:
    """Simulate a node a slave."""
    # A warning says that run_simulation is to go: `flwr run` would start the same engine, on a
    # SuperLink of its own.
    started = time.time()
    root = str(work.root)
    run_simulation(
        flower_app.make_server_app(root),
        flower_app.make_client_app(root),
        num_supernodes=work.config.slaves,
        backend_config={
            "init_args": {"num_cpus": CPUS},
            "client_resources": {"num_cpus": 1, "num_gpus": 0.0},
        },
    )
    return flower_app.read(work.root, started)


if __name__ == "__main__":
    main("flower-simulation", version("flwr"), measure)
