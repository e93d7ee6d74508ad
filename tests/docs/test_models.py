"""docs/models.md names every model, and its example does what it shows."""

import json

from fedredis.models import MODELS


def test_the_models_that_are_there(models):
    rows = models.table(models.section("# Models"))
    named = [row[0].strip("`") for row in rows]
    assert sorted(named) == sorted([*MODELS, "trees", "package.module:Class"])


def test_own_model(models, make_console):
    """Slaves that allow it train it, and a master that names it averages it."""
    (code,) = models.examples("model", "python")
    console = make_console()
    (console.folder / "bayes.py").write_text(code)
    console.play(models, "model")
    (outcome,) = json.loads(console.run("fedredis runs --json"))
    assert (outcome["slaves"], outcome["status"]) == (4, "finished")
    assert outcome["accuracy"] > 0.55
