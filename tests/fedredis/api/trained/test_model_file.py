"""Model files: what they give back, and what becomes of those that are not as they were."""

import json
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

import fedredis
from fedredis import models
from fedredis.api.trained.model_file import Description, load, save
from fedredis.arrays import Schema
from fedredis.data.meaning import digest
from fedredis.errors import DataError, UsageError
from fedredis.features.protocol import Column

COLUMNS = (Column("weight"), Column("coat", kind="category"), Column("age", 0, 30))
#: Cells of the columns, and the numbers that stand for them.
ROWS = [[4.5, "short", 3], [30, "long", 7], [0.5, None, 1], [None, "short", 2]]
X = np.array(
    [
        *([4.5, digest("short"), 3], [30, digest("long"), 7]),
        *([0.5, np.nan, 1], [np.nan, digest("short"), 2]),
    ]
)


@pytest.fixture
def make(tmp_path, make_saved):
    """Return a function that saves a model; it gives the path, and what it predicts."""

    def make(name="model.npz", *, classes=("cat", "dog", "eel"), columns=COLUMNS, X=X, **changes):
        settings = {"features": "quadratic", "missing": "mean", "model": "logistic", **changes}
        saved, predict = make_saved(columns, X, classes, **settings)
        save(tmp_path / name, *saved)
        return tmp_path / name, predict(X)

    return make


@pytest.mark.parametrize("kind", ["plain", "quadratic"])
def test_it_predicts_from_raw_rows(make, kind):
    path, expected = make(features=kind)
    model = fedredis.load(path)
    assert isinstance(model, fedredis.SavedModel)
    frame = pd.DataFrame(ROWS, columns=["weight", "coat", "age"])
    for rows in (ROWS, frame, frame[["age", "coat", "weight"]], frame.to_dict("records")):
        told = model.predict(rows)
        assert told.shape == (4, 3)
        assert told.tobytes() == expected.tobytes()
    names = np.array(["cat", "dog", "eel"])
    assert model.labels(ROWS).tolist() == names[expected.argmax(axis=1)].tolist()


def test_it_predicts_numbers(make):
    path, expected = make(classes=(), model="linear")
    told = load(str(path))
    assert told.predict(ROWS).tolist() == expected.tolist()
    assert told.labels(ROWS).tolist() == expected[:, 0].tolist()


@pytest.mark.parametrize("model", ["sklearn-sgd", "torch-mlp"])
def test_other_models(make, model):
    pytest.importorskip({"sklearn-sgd": "sklearn", "torch-mlp": "torch"}[model])
    path, expected = make(model=model)
    loaded = load(path)
    assert loaded.predict(ROWS).tolist() == expected.tolist()
    assert list(loaded.parameters) == list(models.make(model, 7, 3).schema().names)


def test_gaps_where_they_are_not_filled(make):
    path, _ = make(missing="error", columns=COLUMNS[::2], X=X[:2, ::2])
    with pytest.raises(DataError, match="row 1, column 'age': the cell is empty"):
        load(path).predict([[1, 2], [3, None]])


def test_no_rows(make):
    path, _ = make()
    assert load(path).predict(np.zeros((0, 3))).shape == (0, 3)
    assert load(path).labels(np.zeros((0, 3))).shape == (0,)


def test_the_file_is_plain_arrays_and_the_same_bytes_each_time(make, tmp_path):
    path, _ = make()
    with np.load(path, allow_pickle=False) as stored:
        arrays = dict(stored)
    assert set(arrays) == {
        *("description", "model.weights", "preprocessing.categories"),
        # and not which categories a slave alone has
        *("preprocessing.category_counts", "preprocessing.fill", "preprocessing.edges"),
        *("preprocessing.scores", "preprocessing.mean", "preprocessing.scale"),
        *("preprocessing.constant", "preprocessing.rows"),
    }
    said = json.loads(arrays["description"].item())
    assert (said.pop("format"), said.pop("version")) == ("fedredis model", 1)
    loaded = load(path)
    assert said == json.loads(json.dumps(asdict(loaded.description)))
    assert loaded.description.sha256 == Schema.of({"weights": arrays["model.weights"]}).sha256(
        [arrays["model.weights"]]
    )
    again, _ = make("again.npz")
    assert path.read_bytes() == again.read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_name_without_a_suffix_is_left_as_it_is(make, tmp_path):
    make("model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_file_that_can_not_be_written(make, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="can't be written"):
        make("file/model.npz")


def changed(path, **arrays):
    """Write a model file again, with other arrays under some names; None leaves one out."""
    with np.load(path, allow_pickle=False) as stored:
        kept = {name: array for name, array in stored.items() if name not in arrays}
    np.savez(path, **kept, **{name: a for name, a in arrays.items() if a is not None})


def described(path, **said):
    """Write a model file again, with other words in its description."""
    with np.load(path, allow_pickle=False) as stored:
        text = {**json.loads(stored["description"].item()), **said}
    changed(path, description=np.array(json.dumps(text)))


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"version": 2}, "it has version 2, and this fedredis reads 1"),
        ({"format": "cake"}, "there is no model of fedredis in it"),
        ({"model": "nosuch"}, "no model 'nosuch'; there are: linear, logistic"),
        ({"features": "cubic"}, "features. must be one of plain, quadratic"),
        ({"features": []}, "the description is damaged: features is no text"),
        ({"classes": None}, "the description is damaged"),
        ({"columns": [{"title": "x"}]}, "the description is damaged"),
        ({"columns": 5}, "the description is damaged"),
        ({"flavour": "sour"}, "the description is damaged"),
        ({"columns": []}, "its preprocessing does not fit its columns"),
        ({"columns": [{"name": "x"}] * 5}, "its preprocessing does not fit its columns"),
        ({"classes": ["cat", "dog"]}, "its parameters are not those of its model"),
        ({"classes": []}, "it does not say what unit its numbers have"),
        ({"sha256": "0" * 64}, "its parameters have another digest"),
    ],
)
def test_descriptions_that_are_not_as_they_were(make, said, complaint):
    path, _ = make()
    described(path, **said)
    with pytest.raises(UsageError, match=complaint):
        load(path)


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({"description": None}, "there is no model of fedredis in it"),
        ({"description": np.zeros(3)}, "there is no model of fedredis in it"),
        ({"description": np.array("[]")}, "there is no model of fedredis in it"),
        ({"description": np.array('"x"')}, "there is no model of fedredis in it"),
        ({"description": np.array([2**31], "<u4").view("<U1")}, "description.npy is no text"),
        ({"description": np.array([2**31], ">u4").view(">U1")}, "description.npy is no text"),
        ({"model.weights": None}, "its parameters are not those of its model"),
        ({"model.weights": np.zeros((3, 3))}, "its parameters are not those of its model"),
        ({"model.weights": np.zeros((8, 3), "f4")}, "its parameters are not those of its model"),
        ({"preprocessing.mean": None}, "its preprocessing does not fit"),
        ({"preprocessing.mean": np.zeros(9)}, "its preprocessing does not fit"),
        ({"preprocessing.scores": np.zeros((2, 5))}, "its preprocessing does not fit"),
        ({"preprocessing.categories": np.zeros(9)}, "its parameters are not those"),
        ({"preprocessing.scale": np.array(["a"] * 5)}, "its preprocessing does not fit"),
        ({"model.weights": np.array([None])}, "the file is damaged"),
    ],
)
def test_arrays_that_are_not_as_they_were(make, arrays, complaint):
    path, _ = make()
    changed(path, **arrays)
    with pytest.raises(DataError, match=f"model.npz: .*{complaint}"):
        load(path)


def test_every_file_that_is_cut_short_is_refused(make):
    path, _ = make()
    whole = path.read_bytes()
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match="the file is damaged, or no model"):
            load(path)


def test_every_byte_that_is_turned_over_in_an_array_is_noticed(make):
    path, _ = make()
    whole = path.read_bytes()
    start = whole.index(b"model.weights.npy") + 200
    for place in range(start, start + 40, 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        with pytest.raises(DataError, match="the file is damaged"):
            load(path)


def test_what_is_no_model_file(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        load(tmp_path / "nosuch.npz")
    with pytest.raises(DataError, match="the file is damaged, or no model"):
        load(tmp_path)
    np.save(tmp_path / "x.npy", np.zeros(3))
    with pytest.raises(DataError, match="the file is damaged, or no model"):
        load(tmp_path / "x.npy")


def test_a_pickle_is_not_opened(make):
    path, _ = make()
    with np.load(path, allow_pickle=False) as stored:
        arrays = dict(stored)
    np.savez(path, **{**arrays, "preprocessing.extra": np.array([{"a": 1}], object)})
    with pytest.raises(DataError, match="the file is damaged"):
        load(path)


def test_a_model_of_ones_own_must_be_allowed(make, monkeypatch, tmp_path):
    path, _ = make()
    described(path, model="saved_by_tests:Model")
    with pytest.raises(UsageError, match="the model 'saved_by_tests:Model' is not allowed here"):
        load(path)
    (tmp_path / "saved_by_tests.py").write_text(
        "from fedredis.models.logistic import LogisticRegression as Model\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert load(path, allow_models=["saved_by_tests:Model"]).predict(ROWS).shape == (4, 3)


def test_a_description_is_what_was_written():
    said = Description(
        *("r1", 3, "pets", "kind", COLUMNS, ("cat", "dög"), "plain", "mean", "logistic", "ab"),
    )
    assert Description.from_json(said.to_json()) == said
    assert Description.from_json(replace(said, classes=()).to_json()).classes == ()
