"""Results in a notebook: what they print, their table and curve, the bar of a run."""

import sys
import xml.dom.minidom
from types import ModuleType, SimpleNamespace

import fedredis
from fedredis.api.answer import Answer
from fedredis.api.notebook import html_of


def test_a_result_prints_what_counts_and_has_its_history(trained):
    text = repr(trained)
    assert text.startswith(f"Outcome(run={trained.run}, accuracy={trained.accuracy:.2%}, ")
    assert "rounds=2" in text
    assert len(text) < 200
    history = trained.history
    assert history.index.name == "round"
    assert list(history.index) == [1, 2]
    assert history.accuracy[2] == trained.accuracy
    assert (history.slaves == 3).all()
    assert {"samples", "ms", "learning_rate", "log_loss"} <= set(history.columns)
    assert not [name for name in trained.plain() if name.startswith("_")]


def test_a_notebook_shows_a_table_and_curves(trained):
    html = trained._repr_html_()
    page = xml.dom.minidom.parseString(html)
    cells = [cell.firstChild.data for cell in page.getElementsByTagName("td")]
    assert trained.run in cells
    assert f"{trained.accuracy:.2%}" in cells
    lines = page.getElementsByTagName("polyline")
    assert [len(line.getAttribute("points").split()) for line in lines] == [2, 2]


def test_names_are_escaped():
    html = html_of({"<script>alert(1)</script>": "<b>&"}, {"accuracy": [0.5]})
    assert "<script>" not in html
    assert "&lt;b&gt;&amp;" in html
    group = {"group": "<script>", "n": 1, "mean": 1.0, "sd": 1.0}
    answer = Answer("<i>", "table", 2, {"kind": "means", "groups": [group]})
    assert "&lt;script&gt;" in answer._repr_html_()
    assert not {"<script>", "<i>"} & set(answer._repr_html_().split())
    assert "run &lt;i&gt;</b>" in answer._repr_html_()


def test_elsewhere_progress_is_a_line(csv, server, capsys):
    fedredis.run(csv, slaves=2, rounds=2, workers=1, progress=True, redis_url=server.url)
    err = capsys.readouterr().err
    assert err.endswith("\n")
    assert "round 2 of 2, accuracy" in err
    assert err.count("\n") == 1


def test_in_a_notebook_it_is_a_bar(csv, server, capsys, monkeypatch):
    shown = []
    ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())
    display.HTML = str
    display.display = lambda html, display_id: SimpleNamespace(update=shown.append)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    fedredis.run(csv, slaves=2, rounds=2, workers=1, progress=True, redis_url=server.url)
    assert "<progress value='2' max='2'" in shown[-1]
    assert "round 2 of 2, accuracy" in shown[-1]
    assert capsys.readouterr().err == ""
