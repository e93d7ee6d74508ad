"""The commands that look at runs, on one run that was trained before."""

import csv
import json
import re

import pytest


def test_run_json(trained, server):
    outcome, _ = trained
    assert set(outcome) == {
        *("run", "slaves", "workers", "rounds", "accuracy", "macro_f1", "log_loss", "confusion"),
        *("seconds", "setup_seconds", "round_ms", "weights_sha256", "redis_url", "chosen"),
        *("r2", "mse", "rmse", "mae", "auc", "report", "importance", "warnings"),
    }
    assert (outcome["slaves"], outcome["workers"], outcome["rounds"]) == (3, 1, 4)
    assert set(outcome["round_ms"]) == {"p50", "p95"}
    assert 0 < outcome["setup_seconds"] < outcome["seconds"]
    counts = outcome["confusion"]
    held_out = sum(map(sum, counts))
    assert held_out == 99  # 33 of 167, 167 and 166 rows
    assert outcome["accuracy"] == sum(counts[i][i] for i in range(3)) / held_out


def test_the_end_table(call, trained):
    outcome, at = trained
    answer = call("resume", outcome["run"], "--workers", 1, *at)
    assert answer.code == 0
    for text in (
        f"{outcome['accuracy']:.2%}",
        f"{outcome['macro_f1']:.4f}",
        f"{outcome['log_loss']:.4f}",
        outcome["weights_sha256"],
        f"fedredis:{{{outcome['run']}}}:model:4",
        "X-Generation",
        "slave",
    ):
        assert text in answer.out


def test_what_may_mislead_is_said(call, client, trained):
    outcome, at = trained
    line = "few rows: `features=plain`"
    client.rpush(f"fedredis:{{{outcome['run']}}}:warnings", line)
    for command in (("show", outcome["run"]), ("resume", outcome["run"], "--workers", 1)):
        assert "warning: few rows: --features plain\n" in call(*command, *at).err
        assert line in json.loads(call(*command, "--json", *at).out)["warnings"]


def test_runs(call, trained):
    outcome, at = trained
    (row,) = json.loads(call("runs", "--json", *at).out)
    assert row.pop("started").endswith("+00:00")
    assert row.pop("dataset").startswith("songs-3-")
    assert row == {
        "run": outcome["run"],
        "status": "finished",
        "model": "logistic",
        "strategy": "fedavg",
        "slaves": 3,
        "rounds": 4,
        "accuracy": outcome["accuracy"],
    }
    listed = call("runs", *at).out
    assert outcome["run"] in listed
    assert "4/4" in listed


def test_no_rows_no_figure(call, client, trained):
    """Where nothing was held out, a dash stands for a figure, and null in JSON."""
    outcome, at = trained
    run, key = outcome["run"], f"fedredis:{{{outcome['run']}}}"
    entry = ", ".join(f'"{name}": null' for name in ("accuracy", "macro_f1", "log_loss"))
    every = '"slaves": 3, "samples": 0, "missing": [], "refused": {}, "ms": 1.0'
    none = f'{{{every}, "rows": 0, {entry}, "confusion": [[0, 0, 0], [0, 0, 0], [0, 0, 0]]}}'
    client.hset(f"{key}:history", mapping={f"evaluate:{n}": none for n in range(1, 5)})
    client.hdel(key, "score")
    facts = {
        "slaves": [*"012"],
        "samples": [9, 0, 9],
        "accuracy": [1, 0.0, 1],
        "log_loss": [0] * 3,
    }
    client.hset(f"{key}:slaves", "evaluate", json.dumps([facts]))
    assert json.loads(call("runs", "--json", *at).out)[0]["accuracy"] is None
    told = call("resume", run, "--json", *at)
    assert told.code == 0, told.err
    assert json.loads(told.out)["accuracy"] is None
    shown = json.loads(call("show", run, "--json", *at).out)
    assert shown["history"]["evaluate:4"]["log_loss"] is None
    assert "4/4    -     " in call("runs", *at).out
    for out in (call("show", run, *at).out, call("resume", run, *at).out):
        assert out.splitlines()[-1].split() == ["accuracy", "-"]
        assert "true class" not in out
        assert re.search(r"│ +1 │ +\d+ │ +0 │ +- │ +- │", out)
    assert "there is nothing to draw" in call("plot", run, "--out", "x.png", *at).err


def test_no_runs(call, server):
    answer = call("runs", "--redis-url", server.url)
    assert (answer.code, answer.out) == (0, "")
    assert "no runs yet" in answer.err


def test_show(call, trained):
    outcome, at = trained
    shown = json.loads(call("show", outcome["run"], "--json", *at).out)
    assert shown["status"] == "finished"
    assert set(shown["history"]) == {
        *("statistics:1", "statistics:2"),
        *(f"train:{n}" for n in range(1, 5)),
        *(f"evaluate:{n}" for n in range(1, 5)),
        "scores:4",
    }
    assert shown["report"]["rows"] == 99
    assert shown["report"]["auc"] == outcome["auc"] > 0.5
    text = call("show", outcome["run"], *at).out
    assert all(word in text for word in ("precision", "recall", "AUC"))
    assert "finished" in text
    assert f"{outcome['accuracy']:.2%}" in text


def test_predict_a_song_and_its_values_alike(call, trained, tmp_path):
    outcome, at = trained
    with (tmp_path / "songs.csv").open() as file:
        song = next(csv.DictReader(file))
    values = ",".join(f"{k}={v}" for k, v in song.items() if k not in ("track_name", "decade"))
    run = ("predict", "--run", outcome["run"], *at)
    by_name = json.loads(call(*run, "--song", song["track_name"], "--json").out)
    by_value = json.loads(call(*run, "--values", values, "--json").out)
    assert by_name == by_value
    assert sum(by_name["probabilities"].values()) == pytest.approx(1)
    assert by_name["class"] == max(by_name["probabilities"], key=by_name["probabilities"].get)
    assert by_name["class"] in call(*run, "--song", song["track_name"]).out


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        ((), "either --song or --values"),
        (("--song", "x", "--values", "a=1"), "either --song or --values"),
        (("--song", "No Such Song"), "no song named 'No Such Song'"),
        (("--values", "danceability"), "'danceability' is not COLUMN=VALUE"),
        (("--values", "danceability=0.5"), "missing: energy, key"),
        (("--values", "loud=1"), "unknown: loud"),
    ],
)
def test_predict_wrongly(call, trained, args, complaint):
    outcome, at = trained
    answer = call("predict", "--run", outcome["run"], *args, *at)
    assert answer.code == 2
    assert complaint in answer.err
    assert answer.err.count("\n") == 1


def test_resume_without_partitions(call, trained, tmp_path):
    outcome, at = trained
    (tmp_path / ".fedredis").rename(tmp_path / "elsewhere")
    answer = call("resume", outcome["run"], "--workers", 1, *at)
    assert answer.code == 2
    assert "partitions" in answer.err


def test_nobody_comes(call, server):
    """The wait ends, names who is missing, and says how to go on."""
    at = ("--redis-url", server.url)
    answer = call("run", "--slaves", 3, *at, "--wait-timeout", 0.5)
    assert answer.code == 1
    assert "no slave has come" in answer.err
    assert call("partition", "--slaves", 3, "--out", "parts").code == 0
    answer = call("run", "--data", "parts", *at, "--wait-timeout", 0.5)
    assert answer.code == 1
    assert "3 of 3 slaves of synthetic-3-" in answer.err
    assert "did not come: 0, 1, 2; go on with: " in answer.err
