"""Runs in MLflow's own store, a real one; skipped where the extra ``mlflow`` is not installed."""

import pytest

import fedredis
from fedredis.errors import FedredisError, UsageError


def test_without_mlflow(monkeypatch, csv, server):
    monkeypatch.setattr("fedredis.api.tracking.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"`mlflow` .*pip install 'fedredis\[mlflow\]'"):
        fedredis.run(csv, slaves=2, rounds=1, mlflow="sqlite:///x.db", redis_url=server.url)


@pytest.mark.filterwarnings("ignore")
def test_a_run_is_logged_whole(csv, server, folder):
    mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed: fedredis[mlflow]")
    uri = f"sqlite:///{folder}/mlflow.db"
    at = {"redis_url": server.url, "workers": 1, "mlflow": uri}
    outcome = fedredis.run(csv, slaves=2, rounds=3, seed=5, **at)
    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("fedredis")
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.info.run_name, run.info.status) == (outcome.run, "FINISHED")
    assert run.data.params["seed"] == "5"
    assert run.data.params["strategy"] == "fedavg"
    by_round = client.get_metric_history(run.info.run_id, "accuracy")
    history = fedredis.show(outcome.run, redis_url=server.url).history
    tests = {k.number: v["accuracy"] for k, v in history.items() if k.kind == "evaluate"}
    assert {one.step: one.value for one in by_round} == tests
    assert len(client.get_metric_history(run.info.run_id, "train.ms")) == 3
    path = client.download_artifacts(run.info.run_id, "model.npz", str(folder))
    assert fedredis.load(path).description.sha256 == outcome.weights_sha256


@pytest.mark.filterwarnings("ignore")
def test_a_store_that_does_not_take_it(csv, server, folder):
    pytest.importorskip("mlflow", reason="MLflow is not installed: fedredis[mlflow]")
    with pytest.raises(FedredisError, match="MLflow at nosuch://x does not take the run"):
        fedredis.run(csv, slaves=2, rounds=1, workers=1, mlflow="nosuch://x", redis_url=server.url)
