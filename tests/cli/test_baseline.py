"""``fedredis baseline``: three models side by side."""

import json
import re

import pytest


@pytest.fixture
def train(call, server):
    """Return a function that trains on a few songs; it gives the outcome, and where the run is."""
    at = ("--redis-url", server.url)

    def train(*args):
        assert call("data", "synth", "--songs", 400, "--out", "songs.csv").code == 0
        answer = call(
            *("run", "--data", "songs.csv", "--workers", 1, "--rounds", 2, "--json", *args, *at)
        )
        assert answer.code == 0, answer.err
        return json.loads(answer.out), at

    return train


def cells(text):
    """Return the cells of all tables, row by row."""
    rows = [line.strip("│ ").split("│") for line in text.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in row] for row in rows]


def test_json_and_tables_say_the_same(call, trained):
    outcome, at = trained
    answer = call("baseline", outcome["run"], "--json", *at)
    assert (answer.code, answer.err) == (0, "")
    found = json.loads(answer.out)
    assert found["federated"]["accuracy"] == outcome["accuracy"]
    assert (found["run"], found["round"], found["solver"]) == (outcome["run"], 4, "newton")
    shown = call("baseline", outcome["run"], *at).out
    rows = cells(shown)
    names = ("local", "local_everywhere", "federated", "pooled")
    assert [row[1:] for row in rows[3:]] == [
        [f"{found[n]['accuracy']:.2%}", *(f"{found[n][f]:.4f}" for f in ("macro_f1", "log_loss"))]
        for n in names
    ]
    assert [row[0] for row in rows[3:]] == [
        "local, each on its own slave's rows",
        "local, each on everyone's rows (mean)",
        f"federated, run {outcome['run']}, round 4",
        "pooled",
    ]
    one = found["slaves"]["1"]
    assert rows[1] == [
        *("1", str(one["rows"]), str(one["held_out"])),
        *(f"{one[n]['accuracy']:.2%}" for n in ("local", "federated", "pooled")),
        f"{one['local_everywhere']['accuracy']:.2%}",
    ]
    everyone, own, cost = (
        100 * (found[a]["accuracy"] - found[b]["accuracy"])
        for a, b in (
            ("federated", "local_everywhere"),
            ("federated", "local"),
            ("pooled", "federated"),
        )
    )
    words = " ".join(shown.split())
    assert f"brought {everyone:+.2f} points of accuracy on everyone's rows and {own:+.2f}" in words
    side = "under" if cost >= 0 else "above"
    assert f"cost {abs(cost):.2f} points of accuracy {side} the pooled model" in words
    assert "exactly, by Newton's method" in words


def test_numbers(call, train):
    args = ("--label", "energy", "--columns", "loudness,tempo", "--model", "linear")
    outcome, at = train("--slaves", 2, *args, "--learning-rate", 0.05)
    shown = call("baseline", outcome["run"], *at).out
    assert "R²" in shown
    assert "accuracy" not in shown
    assert re.search(r"cost +\d\.\d{4} of R² (under|above) the pooled model", shown)


def test_models_without_second_derivatives(call, train):
    outcome, at = train("--slaves", 2, "--model", "sklearn-sgd")
    assert "by SGD, as many epochs as the run's model" in call("baseline", outcome["run"], *at).out


def test_a_long_table_is_cut_short(call, train):
    outcome, at = train("--slaves", 23, "--features", "plain")
    shown = call("baseline", outcome["run"], *at).out
    assert "held-out rows of all 23 slaves" in shown
    assert "and 3 more" in shown
    assert [row[0] for row in cells(shown)[:-4]] == [str(slave) for slave in range(20)]


def test_a_slave_that_holds_no_rows_out(call, server):
    lines = [f"{i},{i % 3},{'cat' if i % 2 else 'dog'}" for i in range(60)]
    at = ("--redis-url", server.url)
    with open("pets.csv", "w") as file:  # noqa: PTH123
        file.write("\n".join(["size,age,kind", *lines]))
    cut = ("--label", "kind", "--by", "quantity:0.1", "--slaves", 4, "--test-fraction", 0.1)
    answer = call("run", "--data", "pets.csv", *cut, "--workers", 1, "--rounds", 1, "--json", *at)
    assert answer.code == 0, answer.err
    rows = cells(call("baseline", json.loads(answer.out)["run"], *at).out)
    assert any(row[2] == "0" and row[3:6] == ["-", "-", "-"] for row in rows[:-4])


def test_wrong_calls(call, trained, refused, tmp_path):
    outcome, at = trained
    run = outcome["run"]
    assert "is not a name" in refused("baseline", "{x}")
    assert "there is no run nosuch" in refused("baseline", "nosuch", *at)
    assert "no partition folder" in refused("baseline", run, "--data", ".fedredis", *at)
    (tmp_path / ".fedredis").rename(tmp_path / "elsewhere")
    line = refused("baseline", run, *at)
    assert "are not here: a baseline is fitted on the rows of all slaves, in one place" in line
    (parts,) = (tmp_path / "elsewhere" / "partitions").iterdir()
    assert call("baseline", run, "--data", parts, *at).code == 0
