"""Models of users' own, and those that need more than NumPy: whole runs with worker processes."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from fedredis.config import RunConfig
from fedredis.data.cut import write_partitions
from fedredis.data.source import load
from fedredis.errors import RoundFailedError, UsageError
from fedredis.jobs.dispatch import Dispatcher
from fedredis.jobs.pool import WorkerPool
from fedredis.keys import RoundName, RunKeys
from fedredis.rounds.master import create_run, drive_run
from fedredis.store import runs, workers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from redis import Redis

    from fedredis.store.master import MasterStore


#: A model whose module says in a file who imports it, if anyone does.
OWN = """
import os
from fedredis.arrays import Field, Schema
from fedredis.models import LogisticRegression

with open(os.environ["IMPORTED_BY"], "a") as file:
    print(os.getpid(), file=file)

class Own:
    def __init__(self, width, classes):
        self.inner = LogisticRegression(width, classes)

    def schema(self):
        return self.inner.schema()

    def initialise(self, rng):
        return self.inner.initialise(rng)

    def train(self, parameters, X, y, settings, rng, term=None):
        return self.inner.train(parameters, X, y, settings, rng, term)

    def predict(self, parameters, X):
        return self.inner.predict(parameters, X)
"""
REFERENCE = "own_model_of_a_run:Own"


@pytest.fixture
def imported_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], set[int]]:
    """Put the model where all can import it; return a function that tells which processes did."""
    folder, file = tmp_path / "own", tmp_path / "imported-by"
    folder.mkdir()
    file.touch()
    (folder / "own_model_of_a_run.py").write_text(OWN)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("IMPORTED_BY", str(file))
    return lambda: {int(line) for line in file.read_text().split()}


def drive(
    client: Redis,
    run_id: str,
    pool: WorkerPool,
    size: int,
    meanwhile: Callable[[], Any] = lambda: None,
    **options: Any,
) -> list[bytes]:
    """Drive a run with the workers of a pool; return the bits of its model.

    `meanwhile` is called once the master has read the run, and before any worker does.
    """

    def dispatcher(store: MasterStore, config: RunConfig) -> Dispatcher:
        meanwhile()
        given = {"own_workers": size, "revive": pool.revive, "clock": time.monotonic}
        return Dispatcher(client, store, config, **given)

    drive_run(
        client,
        run_id,
        dispatcher=dispatcher,
        report=lambda name, entry: None,
        clock=time.monotonic,
        **options,
    )
    state = runs.read(client, run_id)
    assert state.status == "finished"
    model = runs.artifact(client, run_id, state.model)
    assert model is not None
    return [array.tobytes() for array in model.values()]


def test_a_model_that_all_allow(client, server, folder, make_config, imported_by):
    """It computes what the built-in one does, so the bits are the same."""
    with WorkerPool(server.url, folder, 1) as pool:
        expected = drive(client, create_run(client, make_config()), pool, 1)
    with WorkerPool(server.url, folder, 2, models={REFERENCE}) as pool:
        pids = {process.pid for process in pool._processes}
        run_id = create_run(client, make_config(model=REFERENCE), {REFERENCE})
        assert drive(client, run_id, pool, 2, allowed={REFERENCE}) == expected
    assert imported_by() - {os.getpid()} <= pids
    assert imported_by() & pids


@pytest.mark.parametrize("changed", [REFERENCE, "os:path", "os.path:join", ""])
def test_a_worker_refuses_what_is_not_allowed_to_it_and_goes_on(
    client, server, folder, make_config, imported_by, changed
):
    """Whoever can write to Redis names the model; the same worker serves the next run."""
    asked = make_config(attempts=1, **({} if changed else {"model": REFERENCE}))
    allowed = () if changed else {REFERENCE}
    run_id = create_run(client, asked, allowed)

    def change():
        if changed:
            client.hset(RunKeys(run_id).run, "config", make_config(model=changed).to_json())

    with WorkerPool(server.url, folder, 1, models={"another.model:Of"}) as pool:
        problem, line = f"the model '{REFERENCE}' is not allowed here: ", "UsageError: "
        if changed:
            problem, line = f"run {run_id} has another config than its master goes by", ""
        with pytest.raises(RoundFailedError, match=line + problem):
            drive(client, run_id, pool, 1, change, allowed=allowed)
        failed = runs.failures(client, run_id, ("0", "1", "2", "3")).values()
        errors = [told["error"].splitlines()[-1] for told in failed]
        assert errors
        assert all(problem in error for error in errors)
        (before,) = workers.present(client)
        drive(client, create_run(client, make_config()), pool, 1)
        assert workers.present(client) == [before]
    # The master alone, where it allows the model.
    assert imported_by() <= (set() if changed else {os.getpid()})


def test_a_master_refuses_too_and_leaves_the_run_as_it_is(
    client, folder, make_config, imported_by
):
    """A run of somebody else's, or one that was changed in Redis."""
    with pytest.raises(UsageError, match="is not allowed here"):
        create_run(client, make_config(model=REFERENCE))
    run_id = create_run(client, make_config())
    client.hset(RunKeys(run_id).run, "config", make_config(model=REFERENCE).to_json())
    before = client.hgetall(RunKeys(run_id).run)
    with pytest.raises(UsageError, match=f"'{REFERENCE}' is not allowed here"):
        drive(client, run_id, WorkerPool("redis://nowhere", folder, 0), 0)
    assert client.hgetall(RunKeys(run_id).run) == before
    assert not client.exists(RunKeys(run_id).lease)
    assert imported_by() == set()


@pytest.mark.parametrize(
    ("model", "strategy"), [("sklearn-sgd", "fedavg"), ("torch-mlp", "scaffold")]
)
def test_the_bits_do_not_depend_on_the_number_of_workers(
    client, server, folder, make_config, model, strategy
):
    require(model)
    config = make_config(model=model, strategy=strategy, rounds=4, local_epochs=2, batch_size=8)
    digests = []
    for size in (1, 2):
        with WorkerPool(server.url, folder, size) as pool:
            digests.append(drive(client, create_run(client, config), pool, size))
    assert digests[0] == digests[1]


def test_what_scikit_learn_does_not_let_anyone_steer(client, make_config):
    with pytest.raises(UsageError, match="fedprox can't train the model 'sklearn-sgd'"):
        create_run(client, make_config(model="sklearn-sgd", strategy="fedprox"))


@pytest.mark.parametrize("model", ["sklearn-sgd", "torch-mlp"])
def test_it_learns_the_songs_eras(client, server, tmp_path, songs, model):
    """With default settings, so those of the logistic regression."""
    require(model)
    parts = tmp_path / "songs"
    manifest = write_partitions(load(songs, seed=0), parts, 10, seed=0, test_fraction=0.2)
    config = RunConfig(
        dataset=manifest.dataset,
        columns=manifest.columns,
        classes=manifest.classes,
        slaves=10,
        rows=manifest.rows,
        model=model,
    )
    run_id = create_run(client, config)
    with WorkerPool(server.url, parts, 2) as pool:
        drive(client, run_id, pool, 2)
    last = runs.history(client, run_id)[RoundName("evaluate", config.rounds)]
    assert last["accuracy"] > 0.66
    assert last["log_loss"] < 0.78


def require(model: str) -> None:
    """Skip a test if what the model needs is not installed."""
    if model == "torch-mlp":
        pytest.importorskip(
            "torch", reason="PyTorch is not installed: pip install 'fedredis[torch]'"
        )
