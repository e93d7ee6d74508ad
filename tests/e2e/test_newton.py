"""Newton's method through commands, workers and Redis: the solution of scikit-learn."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression as Reference

from fedredis.config import RunConfig
from fedredis.data import synthetic
from fedredis.data.cut import write_partitions
from fedredis.data.cuts.spec import Cut
from fedredis.data.partition import open_partition
from fedredis.exchanges import Setup
from fedredis.rounds.master import create_run
from fedredis.store import runs

SLAVES, ROUNDS = 6, 20


@pytest.fixture
def partitions(tmp_path):
    """Deal songs out, unevenly; return the folder and the config of a run on them."""
    folder = tmp_path / "partitions"
    manifest = write_partitions(
        synthetic.generate(3_000), folder, SLAVES, 0, 0.2, Cut.parse("dirichlet:0.5")
    )
    config = RunConfig(
        dataset=manifest.dataset,
        columns=manifest.columns,
        classes=manifest.classes,
        slaves=SLAVES,
        rows=manifest.rows,
        rounds=ROUNDS,
        strategy="newton",
        source=str(folder),
    )
    return folder, config


def test_the_optimum_whatever_the_number_of_workers(shell, server, client, partitions):
    folder, config = partitions
    at = ("--redis-url", server.tcp_url)
    outcomes = []
    for workers in (1, 2):
        run_id = create_run(client, config)
        outcomes.append(shell.json("resume", run_id, "--workers", workers, *at))
    assert outcomes[0]["weights_sha256"] == outcomes[1]["weights_sha256"]

    state = runs.read(client, run_id)
    assert state.converged
    assert state.round <= 10
    preprocessing = runs.artifact(client, run_id, state.preprocessing)
    model = runs.artifact(client, run_id, state.model)
    parts = [open_partition(folder, slave) for slave in range(SLAVES)]
    X = Setup(config).features.transform(
        preprocessing, np.concatenate([part.train_X for part in parts])
    )
    y = np.concatenate([part.train_y for part in parts])
    reference = Reference(C=1 / (len(y) * config.l2), solver="newton-cholesky", tol=1e-10)
    reference.fit(X, y)
    (weights,) = model.values()
    assert np.abs(weights[:-1].T - reference.coef_).max() < 1e-6
    assert np.abs(weights[-1] - reference.intercept_).max() < 1e-6


def test_the_masters_threads_decide_no_bit(shell, server, client, partitions, monkeypatch):
    _, config = partitions
    digests = set()
    for threads in ("1", "2"):
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", threads)
        run_id = create_run(client, config)
        at = ("--redis-url", server.tcp_url, "--workers", 1)
        digests.add(shell.json("resume", run_id, *at)["weights_sha256"])
    assert len(digests) == 1
