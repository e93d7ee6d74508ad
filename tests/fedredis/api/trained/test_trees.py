"""Files of trees predict what the run does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fedredis.api.trained import model_file
from fedredis.arrays import Schema
from fedredis.config import RunConfig
from fedredis.data.meaning import digest
from fedredis.data.reading import Reading
from fedredis.errors import DataError
from fedredis.exchanges import Setup
from fedredis.exchanges.here import drive
from fedredis.exchanges.setup import Prepared
from fedredis.features import Column

NUMBERS = (Column("size"), Column("age"))
#: Digests of categories, and their texts.
KINDS = [digest(f"kind {number}") for number in range(80)]
TEXTS = {digest: f"kind {number}" for number, digest in enumerate(KINDS)}
MIXED = (NUMBERS[0], Column("kind", kind="category"))
CASES = [("a", "b", "c"), ("a", "b"), ()]


def grown(
    classes: tuple[str, ...],
    loss: str = "auto",
    columns: tuple[Column, ...] = NUMBERS,
    *,
    weighed: bool = False,
) -> Any:
    rng = np.random.default_rng(4)
    X = np.round(rng.normal(1, 2, (500, 2)), 2)
    X[:, 1] = np.ceil(np.abs(X[:, 1]))
    score = X[:, 0] + np.sin(3 * X[:, 0]) + X[:, 1] + rng.normal(size=500) / 4
    if any(column.kind == "category" for column in columns):
        # More than a word of a set has bits; most of them are rare.
        kinds = np.where(rng.random(500) < 0.7, rng.integers(0, 9, 500), rng.integers(0, 80, 500))
        X[:, 1] = [KINDS[kind] for kind in kinds]
        score += 2 * np.sin(kinds)
    y = np.digitize(score, [1, 3][: len(classes) - 1]) if classes else np.floor(np.abs(score))
    X[rng.random(X.shape) < 0.1] = np.nan
    config = RunConfig(
        dataset="pets",
        columns=columns,
        classes=classes,
        slaves=1,
        rows=500,
        model="trees",
        strategy="boosting",
        features="bins",
        reading=Reading(missing="mean", weights="w" if weighed else ""),
        rounds=12,
        options={"loss": loss, "leaves": "7", "depth": "4"},
    )
    setup = Setup(config)
    progress = drive(
        setup, {"0": Prepared(X, y, X[:0], y[:0], np.exp(score / 8) if weighed else None)}
    )
    known, model = progress.artifacts[progress.preprocessing], progress.artifacts[progress.model]
    said = model_file.Description(
        *("r1", 12, "pets", "kind", columns, classes, "bins", "mean", "trees"),
        sha256=Schema.of(model).sha256(list(model.values())),
    )
    return setup, known, model, said, X


@pytest.mark.parametrize("columns", [NUMBERS, MIXED], ids=["numbers", "categories"])
@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize(("classes", "loss"), [*((c, "auto") for c in CASES), ((), "poisson")])
def test_a_file_predicts_what_the_run_does(tmp_path, classes, loss, columns, *, weighed):
    setup, known, model, said, X = grown(classes, loss, columns, weighed=weighed)
    assert (len(model["sets"]) > 0) == (columns is MIXED)
    expected = setup.predict(known, list(model.values()), X)
    assert expected.shape == (500, len(classes) or 1)
    model_file.save(tmp_path / "m.npz", said, model, known)
    loaded = model_file.load(tmp_path / "m.npz")
    cells = X.astype(object)
    if columns is MIXED:
        cells[:, 1] = [TEXTS.get(digest) for digest in X[:, 1]]
    assert (loaded.predict(cells) == expected).all()
    onnx_file = pytest.importorskip("fedredis.api.trained.onnx_file")
    runtime = pytest.importorskip("onnxruntime")
    graph = onnx_file.graph_of(said, model, known)
    session = runtime.InferenceSession(graph.SerializeToString())
    beyond = np.array([[-1e9, 1e9], [np.nan, np.nan]])
    at_edges = np.broadcast_to(known["edges"][:, :3].T, (3, 2))
    X = np.concatenate([X, beyond, at_edges])
    (found,) = session.run(None, {"rows": X})
    assert found == pytest.approx(
        setup.predict(known, list(model.values()), X), rel=1e-5, abs=1e-6
    )


def test_a_damaged_file(tmp_path):
    _, known, model, said, _ = grown(("a", "b"))
    del model["left"]
    model_file.save(tmp_path / "m.npz", said, model, known)
    with pytest.raises(DataError, match="its parameters are not those of its model"):
        model_file.load(tmp_path / "m.npz")


@pytest.mark.parametrize(
    "damage",
    [
        lambda known, model: known.update(bin_counts=np.array([2**40, 3])),
        lambda known, model: known.update(bin_counts=np.array([-(2**40), 3])),
        lambda known, model: model.update(start=np.zeros(5)),
    ],
)
def test_numbers_that_no_forest_has(tmp_path, damage):
    """Nothing is allocated by their word, and it predicts its classes."""
    _, known, model, said, _ = grown(("a", "b", "c"))
    damage(known, model)
    digest = Schema.of(model).sha256(list(model.values()))
    model_file.save(tmp_path / "m.npz", replace(said, sha256=digest), model, known)
    with pytest.raises(DataError, match="its parameters are not those of its model"):
        model_file.load(tmp_path / "m.npz")
