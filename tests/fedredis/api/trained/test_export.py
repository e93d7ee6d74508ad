import csv as csv_
import sys

import numpy as np
import pytest

import fedredis
from fedredis.api.trained.prediction import read_trained
from fedredis.errors import DataError, FedredisError, RunNotFoundError, UsageError
from fedredis.keys import RunKeys


@pytest.fixture
def at(server):
    return {"redis_url": server.url}


def test_it_predicts_as_the_run_does(trained, csv, at, client):
    told = fedredis.export(trained.run, "model.npz", **at)
    assert (told.run, told.round, told.sha256) == (trained.run, 2, trained.weights_sha256)
    with csv.open() as file:
        songs = list(csv_.DictReader(file))
    model = fedredis.load("model.npz")
    assert model.description == told
    probabilities = model.predict(songs)
    assert probabilities.shape == (300, 3)
    rows = [[float(song[column.name]) for column in told.columns] for song in songs]
    expected = read_trained(client, trained.run).predict(np.array(rows))
    assert probabilities.tobytes() == expected.tobytes()
    first = fedredis.predict(trained.run, song=songs[0]["track_name"], **at)
    assert list(first.probabilities.values()) == pytest.approx(probabilities[0].tolist())
    assert model.labels(songs)[0] == first.answer


def test_nothing_in_it_tells_where_the_rows_are(trained, folder, at):
    fedredis.export(trained.run, "model.npz", **at)
    assert str(folder).encode() not in (folder / "model.npz").read_bytes().replace(b"\0", b"")


def test_the_best_and_the_last_round(make_training, at, client):
    training = make_training(rounds=3)
    training.drive()
    client.hset(RunKeys(training.run_id).run, "best", "2")
    state = training.state
    assert (state.best, state.chosen, state.round) == (2, 3, 3)
    rounds = {
        which: fedredis.export(training.run_id, f"{which}.npz", round=which, **at).round
        for which in ("best", "last", None)
    }
    assert rounds == {"best": 2, "last": 3, None: 3}
    with pytest.raises(UsageError, match="`round` must be one of best, last, not 'first'"):
        fedredis.export(training.run_id, "x.npz", round="first", **at)


def test_with_patience_the_run_stands_for_its_best_round(make_training, at, client):
    training = make_training(rounds=9, patience=2)
    training.drive()
    best = training.state.round - 1
    client.hset(RunKeys(training.run_id).run, "best", str(best))
    assert fedredis.export(training.run_id, "x.npz", **at).round == best


def test_there_is_no_such_model(make_training, at, folder, client):
    training = make_training(rounds=3)
    with pytest.raises(FedredisError, match="has no such model yet, or no more: `fedredis show"):
        fedredis.export(training.run_id, "x.npz", **at)
    training.drive()
    client.delete(RunKeys(training.run_id).artifact("model:3"))
    with pytest.raises(FedredisError, match="has no such model yet, or no more"):
        fedredis.export(training.run_id, "x.npz", **at)
    with pytest.raises(RunNotFoundError):
        fedredis.export("nosuch", "x.npz", **at)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["model", "model.pkl", "model.npz.gz", ".npz"])
def test_files_of_other_names(name, folder):
    """They are refused before Redis is asked for anything."""
    with pytest.raises(UsageError, match=r"name the file \.npz"):
        fedredis.export("r1", name, redis_url="redis://127.0.0.1:1")


def test_a_file_that_can_not_be_written(make_training, at, folder):
    training = make_training(rounds=1)
    training.drive()
    (folder / "file.npz").write_text("mine")
    for name, problem in (
        ("file.npz", "file.npz: it exists already; `force` replaces it"),
        ("no/file.npz", "no/file.npz: there is no directory no; make it first"),
        ("file.npz/x.npz", "there is no directory file.npz"),
    ):
        with pytest.raises(DataError, match=problem):
            fedredis.export(training.run_id, name, **at)
    assert [path.read_text() for path in folder.iterdir()] == ["mine"]
    fedredis.export(training.run_id, "file.npz", force=True, **at)
    assert fedredis.load("file.npz").description.run == training.run_id


def test_without_onnx(monkeypatch):
    monkeypatch.delitem(sys.modules, "fedredis.api.trained.onnx_file", raising=False)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UsageError, match=r"pip install 'fedredis\[onnx\]'"):
        fedredis.export("r1", "model.onnx", redis_url="redis://127.0.0.1:1")


def test_onnx(trained, csv, at):
    runtime = pytest.importorskip("onnxruntime")
    told = fedredis.export(trained.run, "model.onnx", **at)
    fedredis.export(trained.run, "model.npz", **at)
    with csv.open() as file:
        songs = list(csv_.DictReader(file))
    rows = np.array([[float(song[column.name]) for column in told.columns] for song in songs])
    (probabilities,) = runtime.InferenceSession("model.onnx").run(None, {"rows": rows})
    np.testing.assert_allclose(
        probabilities, fedredis.load("model.npz").predict(songs), rtol=0, atol=1e-12
    )
