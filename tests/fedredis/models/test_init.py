import subprocess
import sys

import pytest

from fedredis import models
from fedredis.errors import UsageError


def test_make_by_name():
    assert models.make("logistic", 5, 3) == models.LogisticRegression(5, 3)


def test_unknown_name_names_the_known_ones():
    known = ", ".join(models.MODELS)
    expected = f"no model 'forest'; there are: {known}, and your own as package.module:Class"
    with pytest.raises(UsageError, match=expected):
        models.make("forest", 5, 3)


def test_a_model_that_is_registered(monkeypatch):
    monkeypatch.setitem(models.MODELS, "mine", lambda width, classes: ("mine", width, classes))
    assert models.make("mine", 5, 3) == ("mine", 5, 3)
    with pytest.raises(UsageError, match=r"there are: .*, mine, and your own"):
        models.make("forest", 5, 3)


@pytest.mark.parametrize(
    ("name", "module", "library"),
    [("sklearn-sgd", "sklearn_linear", "scikit-learn"), ("torch-mlp", "torch_mlp", "PyTorch")],
)
def test_a_library_that_is_missing(name, module, library, monkeypatch):
    monkeypatch.setattr(f"fedredis.models.{module}.find_spec", lambda package: None)
    extra = module.partition("_")[0]
    expected = rf"the model '{name}' needs {library}: pip install 'fedredis\[{extra}\]'"
    with pytest.raises(UsageError, match=expected):
        models.make(name, 5, 3)


def test_libraries_are_imported_by_whoever_trains_alone():
    """Not by a master, which makes models and never calls them."""
    script = (
        "import sys, numpy, fedredis.strategies\n"
        "from fedredis import models\n"
        "for name in ('sklearn-sgd', 'torch-mlp'):\n"
        "    try:\n"
        "        model = models.make(name, 5, 3)\n"
        "    except models.UsageError:\n"
        "        continue\n"
        "    model.initialise(numpy.random.default_rng(0))\n"
        "print([name for name in ('sklearn', 'torch') if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
