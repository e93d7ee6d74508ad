"""Models of the user's own, in modules that a test writes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from fedredis import models
from fedredis.errors import UsageError
from fedredis.models import LogisticRegression, Model, external

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[[str], None]

#: A module with a model, and what is not quite one.
TEXT = """
import sys
from fedredis.arrays import Field, Schema
from fedredis.errors import UsageError

class Mean:
    def __init__(self, width, classes):
        if classes:
            raise UsageError("labels must be numbers")
        if width == 13:
            raise ValueError("thirteen\\nis too many")
        if width == 14:
            sys.exit("fourteen")

    def schema(self):
        return Schema((Field("mean", "<f8", (1,)),))

    def initialise(self, rng):
        return self.schema().zeros()

    def train(self, parameters, X, y, settings, rng):
        return [y.mean(keepdims=True)]

    def predict(self, parameters, X):
        return parameters[0].repeat(len(X))[:, None]

class Untrained(Mean):
    train = None

class Nothing:
    pass

def function(width, classes):
    return Mean(width, classes)

instance = Mean(1, 0)
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes the module ``own_model``, to be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def write(text: str) -> None:
        (tmp_path / "own_model.py").write_text(text)

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_class_that_is_allowed(write):
    write(TEXT)
    reference = "own_model:Mean"
    loaded = external.load(reference, {reference})
    assert loaded is sys.modules["own_model"].Mean
    model = models.make(reference, 2, 0, [reference])
    assert isinstance(model, loaded)
    assert isinstance(model, Model)


def test_a_class_in_a_package(tmp_path, write):
    folder = tmp_path / "own_package" / "deep"
    folder.mkdir(parents=True)
    (folder / "down.py").write_text(TEXT)
    reference = "own_package.deep.down:Mean"
    assert models.make(reference, 2, 0, {reference}).schema().names == ("mean",)


@pytest.mark.parametrize(
    "allowed",
    [
        (),
        ("own_model",),
        ("own_model:Other",),
        ("own_model:Mean2", "own_model:Mea", "OWN_MODEL:Mean", "own_model: Mean"),
        ("own_model:Mean own_model:Mean",),
        ("own_model:*", "*"),
    ],
)
def test_what_is_not_allowed_is_not_imported(write, tmp_path, allowed):
    marker = tmp_path / "imported"
    write(f"{TEXT}\nopen({str(marker)!r}, 'w').close()\n")
    problem = "the model 'own_model:Mean' is not allowed here: .* name it in allow_models"
    with pytest.raises(UsageError, match=problem):
        models.make("own_model:Mean", 2, 0, allowed)
    assert not marker.exists()
    assert "own_model" not in sys.modules
    models.make("own_model:Mean", 2, 0, (*allowed, "own_model:Mean"))
    assert marker.exists()


@pytest.mark.parametrize(
    "reference",
    [
        *("own_model:", ":Mean", ":", "own_model::Mean", "own_model:Mean:Mean", "own_model:a.b"),
        *(".own_model:Mean", "own..model:Mean", "own_model:Mean()", "own_model:Mean\n"),
        *("own-model:Mean", "./own_model.py:Mean", "own_model:1", "os; import x:y", "ówn:Mean"),
    ],
)
def test_what_is_no_reference(reference):
    problem = "is not of the form package.module:Class"
    with pytest.raises(UsageError, match=problem) as caught:
        models.make(reference, 2, 0, {reference})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Median", "own_model has no class 'Median'"),
        ("function", "is not a class but a function"),
        ("instance", "is not a class but a Mean"),
        ("Untrained", "has no method train: see fedredis/models/protocol.py"),
        ("Nothing", "has no method schema, initialise, train, predict: see"),
    ],
)
def test_what_is_no_model(write, name, problem):
    write(TEXT)
    reference = f"own_model:{name}"
    with pytest.raises(UsageError, match=f"the model '{reference}'.*{problem}"):
        models.make(reference, 2, 0, {reference})


def test_a_module_that_is_not_there():
    for reference in ("no_such_module:Mean", "os.no_such_module:Mean"):
        problem = f"'{reference}' can't be imported: ModuleNotFoundError: .*PYTHONPATH"
        with pytest.raises(UsageError, match=problem):
            models.make(reference, 2, 0, {reference})


def test_a_module_that_fails(write):
    write("raise RuntimeError('not\\n  today')\n")
    problem = "'own_model:Mean' can't be imported: RuntimeError: not today; its module"
    with pytest.raises(UsageError, match=problem):
        models.make("own_model:Mean", 2, 0, {"own_model:Mean"})
    write("raise SystemExit\n")
    with pytest.raises(UsageError, match="can't be imported: SystemExit: ; its module"):
        models.make("own_model:Mean", 2, 0, {"own_model:Mean"})


def test_a_class_that_does_not_suit_the_data(write):
    """What it says itself is passed on."""
    write(TEXT)
    with pytest.raises(UsageError, match=r"^labels must be numbers$"):
        models.make("own_model:Mean", 2, 3, {"own_model:Mean"})
    problem = "'own_model:Mean' can't be made for 13 inputs and 0 classes: ValueError: thirteen is"
    with pytest.raises(UsageError, match=problem):
        models.make("own_model:Mean", 13, 0, {"own_model:Mean"})
    with pytest.raises(UsageError, match="14 inputs and 0 classes: SystemExit: fourteen"):
        models.make("own_model:Mean", 14, 0, {"own_model:Mean"})


def test_methods_are_those_of_the_protocol():
    assert external.METHODS == ("schema", "initialise", "train", "predict")


def test_a_built_in_may_be_named_by_its_class():
    reference = "fedredis.models.logistic:LogisticRegression"
    assert models.make(reference, 5, 3, {reference}) == LogisticRegression(5, 3)
