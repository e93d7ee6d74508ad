"""Runs that grow trees, through all the commands."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

OPTIONS = ("--model", "trees", "--rounds", 3, "--set", "depth=3", "--workers", 2)


@pytest.fixture
def at(server):
    return ("--redis-url", server.url)


@pytest.fixture
def rows():
    """Write rows with gaps and categories, of which one column says nothing."""
    rng, n = np.random.default_rng(11), 700
    dose, ward = rng.gamma(2, 3, n), rng.choice(["a", "b", "c", "d"], n)
    score = dose * np.where(ward == "b", -1, 1) + rng.normal(size=n)
    frame = pd.DataFrame({"dose": dose, "ward": ward, "shoe": rng.normal(40, 3, n)})
    frame = frame.mask(rng.random(frame.shape) < 0.05)
    frame["outcome"] = np.where(score > 5, "well", np.where(score < -3, "ill", "so-so"))
    frame.to_csv("rows.csv", index=False)
    return ("--data", "rows.csv", "--label", "outcome", "--missing", "mean")


@pytest.mark.parametrize(
    ("slaves", "cut"),
    [(1, "iid"), (10, "iid"), (10, "shards:1"), (10, "dirichlet:0.1"), (70, "iid")],
)
def test_it_is_the_pooled_model(call, at, rows, slaves, cut) -> None:
    trained = call("run", *rows, "--slaves", slaves, "--by", cut, *OPTIONS, "--json", *at)
    assert trained.code == 0, trained.err
    outcome = json.loads(trained.out)
    compared = call("baseline", outcome["run"], "--json", *at)
    assert compared.code == 0, compared.err
    assert json.loads(compared.out)["pooled"]["weights_sha256"] == outcome["weights_sha256"]


def test_what_columns_gain_is_told_shown_and_drawn(call, at, rows) -> None:
    outcome = json.loads(call("run", *rows, "--slaves", 3, *OPTIONS, "--json", *at).out)
    told = outcome["importance"]
    assert {one["column"] for one in told[:2]} == {"dose", "ward"}
    assert sum(one["gain"] for one in told) == pytest.approx(1)
    assert told == sorted(told, key=lambda one: -one["gain"])
    record = json.loads(call("show", outcome["run"], "--json", *at).out)
    assert record["importance"] == told
    shown = call("show", outcome["run"], *at).out
    assert "importance" in shown
    assert f"{told[0]['gain']:.1%}" in shown
    assert call("plot", outcome["run"], "--out", "run.svg", *at).code == 0


def test_slaves_of_one_row_and_of_one_class(call, at, rows) -> None:
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
