"""What pages say, by their text."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

import fedredis
from fedredis.keys import RunKeys
from fedredis.web.answers import shown
from fedredis.web.app import create_app
from fedredis.web.pictures import survival
from tests.fedredis.web.conftest import IMAGE, SCRIPT


class Elements(HTMLParser):
    """Lists the elements of a page, each with the names of its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [name for name, _ in attrs]))


def text(page: str) -> str:
    """Return what a page says, without its elements."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def test_the_runs_newest_first(page):
    answer = page.get("/")
    assert answer.status_code == 200
    said = text(answer.text)
    assert re.search(r"describe .* failed failed logistic by fedavg .* songs finished", said)
    assert "3 runs" in said


def test_the_runs_in_pages(page, monkeypatch):
    monkeypatch.setattr("fedredis.web.pages.PAGE", 2)
    first, second = text(page.get("/").text), text(page.get("/?page=2").text)
    assert "Page 1 of 2 Older" in first
    assert "Newer Page 2 of 2" in second
    assert "songs finished" in second
    assert "songs finished" not in first
    # Beyond the last one.
    assert text(page.get("/?page=99").text) == second


def test_a_run_that_is_finished(page):
    answer = page.get("/runs/songs").text
    said = text(answer)
    for what in ("rounds 2 of 2", "Accuracy by round", "Held-out rows", "Accuracy of each slave"):
        assert what in said
    assert re.search(r"Configuration .*learning rate 0.7 .*label decade .*columns danceab", said)
    assert "What went wrong" not in said
    assert said.count("…") >= 3  # its slaves' workers
    assert 'action="/runs/songs/delete"' in answer
    assert 'action="/runs/songs/stop"' not in answer


def test_a_run_that_grows_trees(world):
    """Its rounds are those of boosting; its levels are in none of the charts."""
    how = {"slaves": 3, "workers": 1, "home": world.home, "options": {"depth": 2}}
    fedredis.run(world.csv, rounds=3, id="trees", model="trees", **how)
    try:
        with world.site() as site:
            said = text(create_app(site).test_client().get("/runs/trees").text)
    finally:
        fedredis.remove("trees", home=world.home)
    for what in ("rounds 3 of 3", "Accuracy by round", "model trees", "depth=2"):
        assert what in said


def test_a_run_that_failed_says_who_where_and_what_to_do_before_all_else(page):
    answer = page.get("/runs/failed").text
    said = text(answer)
    first, second = said.index("What went wrong"), said.index("Configuration")
    assert first < said.index("Slave 0 failed 3 times, last in round train:1") < second
    assert "away from the global model, more than max_norm=" in said
    assert "The line says what to mend at the slave" in said
    assert "Traceback" not in said
    assert "Mend what the line names, then resume it" in said
    assert 'action="/runs/failed/resume"' in answer


def test_what_no_line_says_has_its_traceback(page, world):
    trace = "Traceback (most recent call last):\n  somewhere\nValueError: odd"
    key = RunKeys("failed").slave("0")
    with world.site() as site:
        before = site.client.hget(key, "error")
        site.client.hset(key, "error", trace)
        try:
            answer = page.get("/runs/failed").text
        finally:
            site.client.hset(key, "error", before)
    assert "<summary>Traceback</summary>" in answer
    assert "Traceback (most recent call last): somewhere ValueError: odd" in text(answer)


def test_a_run_that_asks_something(page, world):
    (asked,) = [s.run for s in fedredis.runs(home=world.home) if s.config.analysis]
    said = text(page.get(f"/runs/{asked}").text)
    assert "Answer" in said
    assert "energy" in said
    assert "rounds" not in said


def test_curves_are_drawn_and_not_listed():
    result = {"curves": [{"group": "b", "rows": 9, "time": [1.0] * 9, "survival": [0.5] * 9}]}
    (table,) = shown(result).tables
    assert (table.header, table.rows) == (("group", "rows"), (("b", "9"),))
    view = SimpleNamespace(record=SimpleNamespace(answer=SimpleNamespace(result=result)))
    (line,) = survival(view).lines
    assert line.name == "b"
    assert line.values[:3] == ((0.0, 1.0), (1.0, 1.0), (1.0, 0.5))
    view.record.answer = None
    assert survival(view) is None


def test_what_stands_in_backticks_is_code(page):
    assert "<code>fedredis strategies</code>" in page.get("/start").text
    with_code = page.application.jinja_env.filters["with_code"]
    assert with_code("`<i>` & `b`") == "<code>&lt;i&gt;</code> &amp; <code>b</code>"


def test_a_run_without_a_master(page, world):
    with world.site() as site:
        site.client.hset(RunKeys("failed").run, "status", "running")
        try:
            said = text(page.get("/runs/failed").text)
        finally:
            site.client.hset(RunKeys("failed").run, "status", "failed")
    assert "failed interrupted" in said
    assert "Run failed has lost its master" in said


def test_several_runs_in_one_picture(page):
    said = text(page.get("/compare?run=songs&run=failed&run=songs").text)
    assert said.count("Accuracy by round") == 1
    assert page.get("/compare").status_code == 400
    assert page.get("/compare?run=nobody").status_code == 404


@pytest.mark.parametrize("path", ["/", "/runs/songs", "/runs/failed", "/predict?run=songs"])
def test_names_are_text(page, path):
    answer = page.get(path).text
    assert SCRIPT not in answer
    assert IMAGE not in answer
    # Nothing in the page that its own rules would not let run.
    elements = Elements()
    elements.feed(answer)
    for tag, attributes in elements.found:
        assert tag != "script" or set(attributes) == {"src", "defer"}
        assert not any(name.startswith("on") or name == "style" for name in attributes)


def test_a_song_and_a_column_with_bad_names(page):
    answer = page.get("/predict", query_string={"run": "songs", "song": SCRIPT}).text
    assert SCRIPT not in answer
    assert html.escape(SCRIPT) in answer
    assert html.escape(IMAGE) in answer
    assert "In truth" in answer


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        ("/runs/nobody", 404, "there is no run nobody"),
        ("/runs/..%00", 400, "is not a name"),
        ("/nothing", 404, "not found"),
        ("/predict?run=failed", 409, "no trained model yet"),
    ],
)
def test_what_goes_wrong_is_said(page, path, code, said):
    answer = page.get(path)
    assert answer.status_code == code
    assert said in text(answer.text)
    assert "Traceback" not in answer.text
