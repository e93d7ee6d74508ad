"""ONNX graphs compute what fedredis does."""

from dataclasses import replace

import numpy as np
import pytest

from fedredis.api.trained.model_file import Description
from fedredis.errors import DataError, UsageError
from fedredis.features.protocol import Column

onnx_file = pytest.importorskip("fedredis.api.trained.onnx_file")
onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

COLUMNS = (Column("size"), Column("age", 0, 30), Column("share", 0, 1))


def rows(n, seed=0):
    """Make rows, some of them at or beyond the ends of the ranges."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(5, 2, n), rng.integers(-5, 40, n), rng.beta(0.2, 0.2, n)])
    X[: n // 10, 2] = 0
    X[n // 10 : n // 5, 2] = 1
    X[0] = [1e9, -1e9, 0.5]
    return X


@pytest.fixture
def make(make_saved):
    """Return a function that makes a model, as the graph of it and as what it predicts."""

    def make(*, classes=("cat", "dog", "eel"), columns=COLUMNS, X=None, **changes):
        settings = {"features": "plain", "missing": "error", "model": "logistic", **changes}
        return make_saved(columns, rows(400) if X is None else X, classes, **settings)

    return make


def run(graph, X):
    return runtime.InferenceSession(graph.SerializeToString()).run(None, {"rows": X})[0]


@pytest.mark.parametrize("model", ["logistic", "torch-mlp"])
@pytest.mark.parametrize("kind", ["plain", "quadratic"])
def test_probabilities(make, kind, model):
    if model == "torch-mlp":
        pytest.importorskip("torch")
    saved, predict = make(features=kind, model=model)
    X = rows(300, seed=1)
    told = run(onnx_file.graph_of(*saved), X)
    assert (told.shape, told.dtype) == ((300, 3), np.float64)
    np.testing.assert_allclose(told, predict(X), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ["plain", "quadratic"])
def test_numbers(make, kind):
    saved, predict = make(features=kind, model="linear", classes=())
    X = rows(300, seed=2)
    told = run(onnx_file.graph_of(*saved), X)
    assert told.shape == (300, 1)
    np.testing.assert_allclose(told, predict(X), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", ["plain", "quadratic"])
def test_gaps_are_filled(make, kind):
    X = rows(400)
    X[np.random.default_rng(3).random(X.shape) < 0.2] = np.nan
    saved, predict = make(features=kind, missing="mean", X=X)
    np.testing.assert_allclose(run(onnx_file.graph_of(*saved), X), predict(X), rtol=0, atol=1e-12)


@pytest.mark.parametrize("n", [0, 1])
def test_few_rows(make, n):
    saved, _ = make(features="quadratic")
    assert run(onnx_file.graph_of(*saved), rows(10)[:n]).shape == (n, 3)


def test_what_a_reader_finds(make):
    saved, _ = make(features="quadratic")
    session = runtime.InferenceSession(onnx_file.graph_of(*saved).SerializeToString())
    (given,), (told,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type, given.shape) == ("rows", "tensor(double)", ["n", 3])
    assert (told.name, told.type, told.shape) == ("probabilities", "tensor(double)", ["n", 3])
    text = session.get_modelmeta().custom_metadata_map["description"]
    assert Description.from_json(text) == saved[0]


def test_the_file_is_the_same_bytes_each_time(make, tmp_path):
    saved, _ = make(features="quadratic")
    for name in ("one.onnx", "two.onnx"):
        onnx_file.save(tmp_path / name, *saved)
    one, two = (path.read_bytes() for path in sorted(tmp_path.iterdir()))
    assert one == two
    assert onnx.load_from_string(one).opset_import[0].version == 13
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="can't be written"):
        onnx_file.save(tmp_path / "file" / "x.onnx", *saved)


def test_what_there_is_no_graph_of(make):
    saved, _ = make(model="sklearn-sgd")
    with pytest.raises(UsageError, match="torch-mlp, trees, not of 'sklearn"):
        onnx_file.graph_of(*saved)
    description, *arrays = make()[0]
    with pytest.raises(UsageError, match="the features plain, quadratic, bins, not of 'cubic'"):
        onnx_file.graph_of(replace(description, features="cubic"), *arrays)
    columns = (*COLUMNS[:2], Column("coat", kind="category"))
    saved, _ = make(columns=columns, X=np.column_stack([rows(9)[:, :2], np.ones(9)]))
    with pytest.raises(UsageError, match="can't tell the categories of 'coat'"):
        onnx_file.graph_of(*saved)
