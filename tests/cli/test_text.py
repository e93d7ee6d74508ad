"""Text of users is printed as it is: never markup, an emoji's name, or a terminal's command."""

import io
import json
import sys

import pytest
from rich.table import Table
from rich.text import Text

from fedredis.cli import output
from fedredis.cli.tables import Fitting
from fedredis.keys import RunKeys

CLASSES = ("[noise]", "[/s]", "[red]x", ":smile:", "$a_b$", "\x1b[31mESC", "\u202eback")
#: How they are printed.
SHOWN = (*CLASSES[:5], "\ufffd[31mESC", "\ufffdback")


@pytest.fixture
def trained(call, client, server, tmp_path):
    """Train on a file in a folder with brackets; return the run, and where it is."""
    folder, at = tmp_path / "[old]", ("--redis-url", server.url)
    folder.mkdir()
    rows = (f"{i % 7 + i % 5 / 9},[b]{i % 3},{CLASSES[i % 7]}\n" for i in range(210))
    (folder / "s.csv").write_text("[i]x,[/c],[y]\n" + "".join(rows), encoding="utf-8")
    read = ("--data", folder / "s.csv", "--label", "[y]", "--features", "plain")
    cut = ("--slaves", 2, "--rounds", 2, "--workers", 1)
    answer = call("run", *read, *cut, *at)
    assert answer.code == 0, answer.err
    (run,) = json.loads(call("runs", "--json", *at).out)
    said = {"error": "[/b] \x1b[2J went wrong", "failures": "[x]", "worker": "[/w]\x1b[0m"}
    client.hset(RunKeys(run["run"]).slave("1"), mapping=said)
    return run["run"], at, answer


def test_every_command(trained, call, tmp_path):
    run, at, answer = trained
    outs = {"run": answer.out + answer.err}
    model, picture = tmp_path / "[old]" / "m.npz", tmp_path / "[old]" / "c.png"
    row = ("--values", '{"[i]x": 1, "[/c]": "[b]1"}')
    for words in (
        ("runs", *at),
        ("show", run, *at),
        ("errors", run, *at),
        ("baseline", run, *at),
        ("predict", "--run", run, *row, *at),
        ("export", run, "--out", model, *at),
        ("predict", "--model", model, *row),
        ("plot", run, "--out", picture, *at),
        ("plot", run, "--out", picture.with_suffix(".svg"), *at),
        ("resume", run, *at),
        ("partition", "[old]/s.csv", "--label", "[y]", "--slaves", 2, "--out", "[old]/p"),
        ("partition", "[old]/s.csv", "--label", "[n\x1bo]", "--slaves", 2, "--out", "p"),
        ("export", run, "--out", model, *at),
        ("slave", "--data", "[old]/n\x1bo"),
        ("doctor", *at),
        ("strategies",),
        ("rm", run, "--yes", *at),
    ):
        answered = call(*words)
        outs[" ".join(map(str, words[:2]))] = said = answered.out + answered.err
        assert not {"\x1b", "\u202e"} & set(said), words
        assert "internal error" not in said, words
    for name in ("run", f"show {run}", f"resume {run}", "predict --run", "predict --model"):
        there = [shown for shown in SHOWN if shown in outs[name]]
        assert there == list(SHOWN), outs[name]
    assert "[/b] \ufffd[2J went wrong" in outs[f"errors {run}"]
    assert "slave 1 failed 0 times" in outs[f"errors {run}"]
    assert "[old]/c.svg" in outs[f"plot {run}"]
    assert "[old]/m.npz: it exists already" in outs[f"export {run}"]
    assert "$a_b$" in picture.with_suffix(".svg").read_text() or picture.stat().st_size > 10_000


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_letters_that_can_not_be_written(monkeypatch, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    table = Table("R²", "[b]")
    table.add_row("北\udcff", Text("☃\x1b"))
    output.results().print(
        table, output.styled("北北", "bold"), Fitting([{"a": "北" * 9}]), sep=""
    )
    stream.flush()
    written = stream.buffer.getvalue().decode(encoding)
    assert written.count("北" if encoding == "utf-8" else "\\u5317") == 12
    assert "\\udcff" in written
    assert "[b]" in written


def test_json_has_no_number_that_json_has_not(capsys):
    np = pytest.importorskip("numpy")
    output.print_json(
        {"a": float("nan"), 1: (np.float64("inf"), np.int64(3)), "c": np.array([[1.5, np.nan]])}
    )
    assert capsys.readouterr().out == '{"a": null, "1": [null, 3], "c": [[1.5, null]]}\n'


@pytest.mark.parametrize("columns", [0, 1, 19])
def test_a_terminal_that_does_not_know_its_width(call, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", "20")
    told = call("strategies")
    monkeypatch.setenv("COLUMNS", str(columns))
    assert call("strategies") == told
    assert "fedprox" in told.out
