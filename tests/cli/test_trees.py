"""Runs that grow trees, through all the commands."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fedredis
from fedredis.data.meaning import digest
from fedredis.embedded import EmbeddedServer
from fedredis.errors import DataWarning

OPTIONS = ("--model", "trees", "--rounds", 3, "--set", "depth=3", "--workers", 2)


@pytest.fixture
def at(server):
    return ("--redis-url", server.url)


def written(folder=Path()):
    """Write rows with gaps and categories, of which one column says nothing."""
    rng, n = np.random.default_rng(11), 700
    dose, ward = rng.gamma(2, 3, n), rng.choice(["a", "b", "c", "d"], n)
    score = dose * np.where(ward == "b", -1, 1) + rng.normal(size=n)
    frame = pd.DataFrame({"dose": dose, "ward": ward, "shoe": rng.normal(40, 3, n)})
    frame = frame.mask(rng.random(frame.shape) < 0.05)
    frame["outcome"] = np.where(score > 5, "well", np.where(score < -3, "ill", "so-so"))
    frame.to_csv(folder / "rows.csv", index=False)


@pytest.fixture
def rows(call):
    written()
    return ("--data", "rows.csv", "--label", "outcome", "--missing", "mean")


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """Train once, on a server that stays; return where, the folder, and the outcome."""
    folder = tmp_path_factory.mktemp("grown")
    written(folder)
    with EmbeddedServer.open(folder) as running:
        outcome = fedredis.run(
            folder / "rows.csv",
            label="outcome",
            missing="mean",
            slaves=3,
            model="trees",
            rounds=3,
            options={"depth": 3},
            workers=2,
            redis_url=running.url,
            home=folder / ".fedredis",
        )
        yield running.url, folder, outcome


@pytest.fixture
def there(grown, call, monkeypatch):
    """Work in the folder where that was trained; return its outcome, and where the run is."""
    url, folder, outcome = grown
    monkeypatch.chdir(folder)
    return outcome, ("--redis-url", url)


@pytest.mark.parametrize(("slaves", "cut"), [(10, "dirichlet:0.1"), (70, "iid")])
def test_it_is_the_pooled_model(call, at, rows, slaves, cut):
    trained = call("run", *rows, "--slaves", slaves, "--by", cut, *OPTIONS, "--json", *at)
    assert trained.code == 0, trained.err
    outcome = json.loads(trained.out)
    compared = call("baseline", outcome["run"], "--json", *at)
    assert compared.code == 0, compared.err
    assert json.loads(compared.out)["pooled"]["weights_sha256"] == outcome["weights_sha256"]


def test_what_columns_gain_is_told_shown_and_drawn(call, there):
    outcome, at = there
    told = outcome.importance
    assert {one["column"] for one in told[:2]} == {"dose", "ward"}
    assert sum(one["gain"] for one in told) == pytest.approx(1)
    assert told == sorted(told, key=lambda one: -one["gain"])
    record = json.loads(call("show", outcome.run, "--json", *at).out)
    assert record["importance"] == told
    shown = call("show", outcome.run, *at).out
    assert "importance" in shown
    assert f"{told[0]['gain']:.1%}" in shown
    assert call("plot", outcome.run, "--out", "run.svg", *at).code == 0


def test_slaves_of_one_row_and_of_one_class(call, at, rows):
    """And one who holds out all that it has."""
    frame = pd.read_csv("rows.csv")
    frame["owner"] = np.where(frame.outcome == "ill", "ill", "others")
    frame.loc[3, "owner"] = "single"
    frame.to_csv("rows.csv", index=False)
    cut = ("--slaves", 3, "--by", "column:owner", "--ignore", "owner")
    trained = call("run", *rows, *cut, *OPTIONS, "--json", *at)
    assert trained.code == 0, trained.err
    compared = json.loads(call("baseline", json.loads(trained.out)["run"], "--json", *at).out)
    assert compared["pooled"]["weights_sha256"] == json.loads(trained.out)["weights_sha256"]


def test_it_is_the_same_whatever_the_number_of_workers(call, at, rows):
    """Where each round draws slaves, rows and columns, too."""
    found = set()
    for workers in (1, 3):
        asked = ("--slaves", 7, "--sample", 4, "--seed", 3, *OPTIONS[:-1], workers)
        told = call("run", *rows, *asked, "--json", *at)
        assert told.code == 0, told.err
        found.add(json.loads(told.out)["weights_sha256"])
    assert len(found) == 1


@pytest.mark.parametrize(
    ("label", "asked"),
    [
        (
            "outcome",
            "--class-weight balanced --weights counts --quorum 2 "
            "--set leaves=5 --set rows=1 --set columns=1",
        ),
        ("dose", "--weights counts"),
        ("counts", "--task regress --set loss=poisson"),
    ],
    ids=["classes", "numbers", "counts"],
)
def test_it_is_the_pooled_model_with_every_option(call, at, rows, label, asked):
    frame = pd.read_csv("rows.csv").dropna(subset="dose")
    frame["counts"] = np.random.default_rng(1).poisson(3, len(frame))
    frame.to_csv("rows.csv", index=False)
    given = ("--data", "rows.csv", "--label", label, "--missing", "mean")
    columns = "ward,shoe" if label == "dose" else "dose,ward,shoe"
    asked = (*OPTIONS, "--slaves", 4, "--columns", columns, *asked.split())
    trained = call("run", *given, *asked, "--json", *at)
    assert trained.code == 0, trained.err
    outcome = json.loads(trained.out)
    compared = json.loads(call("baseline", outcome["run"], "--json", *at).out)
    assert compared["pooled"].pop("weights_sha256") == outcome["weights_sha256"]
    assert compared["federated"] == compared["pooled"] != compared["local"]
    assert compared["slaves"].keys() == {"0", "1", "2", "3"}
    assert compared["solver"] == "boosting"
    shown = call("show", outcome["run"], *at).out
    assert ("macro F1" in shown) == (label == "outcome")


def test_it_ends_early_and_stands_for_its_best_round(call, at, rows):
    more = ("--patience", 2, "--set", "shrinkage=1", "--set", "l2=0", "--set", "min-rows=1")
    answer = call("run", *rows, "--slaves", 3, *OPTIONS, "--rounds", 60, *more, "--json", *at)
    assert answer.code == 0, answer.err
    outcome = json.loads(answer.out)
    assert outcome["rounds"] < 60
    history = fedredis.show(outcome["run"], redis_url=at[1]).history
    tested = {n.number: entry["accuracy"] for n, entry in history.items() if n.kind == "evaluate"}
    best = max(tested, key=lambda number: (tested[number], -number))
    assert outcome["chosen"] == best
    assert outcome["accuracy"] == tested[best]
    # The pooled model is grown for as many rounds.
    compared = json.loads(call("baseline", outcome["run"], "--json", *at).out)
    assert compared["pooled"]["weights_sha256"] == outcome["weights_sha256"]


def test_it_predicts_from_the_run_and_from_files(call, there):
    """Raw rows with gaps and categories, one of them new: the same by run, .npz and .onnx."""
    outcome, at = there
    frame = pd.read_csv("rows.csv").drop(columns="outcome").head(60)
    frame.loc[5, "ward"] = "new"
    assert frame.isna().any().all()
    frame.to_csv("new.csv", index=False)
    for out in ("model.npz", "model.onnx"):
        if out == "model.onnx":
            pytest.importorskip("onnx")
        answer = call("export", outcome.run, "--out", out, *at)
        assert answer.code == 0, answer.err
    answers = []
    for source in (("--run", outcome.run, *at), ("--model", "model.npz")):
        out = f"answers-{len(answers)}.csv"
        answer = call("predict", *source, "--csv", "new.csv", "--out", out)
        assert answer.code == 0, answer.err
        answers.append(pd.read_csv(out))
    pd.testing.assert_frame_equal(*answers)
    runtime = pytest.importorskip("onnxruntime")
    cells = frame.copy()
    cells["ward"] = [np.nan if pd.isna(ward) else digest(ward) for ward in frame["ward"]]
    model = fedredis.load("model.npz")
    cells = cells[[column.name for column in model.description.columns]].to_numpy(float)
    (found,) = runtime.InferenceSession("model.onnx").run(None, {"rows": cells})
    with pytest.warns(DataWarning, match="1 of 60 rows have a category that no row"):
        expected = model.predict(
            frame[[c.name for c in model.description.columns]].to_numpy(object)
        )
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert len(np.unique(found[:, 0])) > 5


def test_commands_do_what_a_program_does(call, at, rows, grown):
    *_, outcome = grown
    told = json.loads(call("run", *rows, "--slaves", 3, *OPTIONS, "--json", *at).out)
    assert outcome.weights_sha256 == told["weights_sha256"]
    assert outcome.importance == told["importance"]
    compared = fedredis.baseline(told["run"], redis_url=at[1])
    assert compared.pooled["weights_sha256"] == outcome.weights_sha256
