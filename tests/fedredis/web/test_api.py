"""The same for programs."""

from __future__ import annotations

import csv
import io
import json

import pytest
from openapi_spec_validator import validate

import fedredis
from tests.fedredis.web.conftest import IMAGE, SCRIPT


@pytest.fixture
def values(world) -> dict[str, str]:
    """A song's features, as the file has them."""
    with world.csv.open() as file:
        row = next(csv.DictReader(file))
    return {name: cell for name, cell in row.items() if name not in ("name", "decade")}


def test_runs(page):
    told = page.get("/api/runs").json
    assert (told["total"], len(told["runs"])) == (3, 3)
    assert [run["run"] for run in page.get("/api/runs?size=1&page=2").json["runs"]] == ["failed"]
    for asked in ("page=0", "page=-1", "size=501", "page=99999999999999999999"):
        answer = page.get(f"/api/runs?{asked}")
        assert (answer.status_code, answer.json["error"][:17]) == (400, "`page` goes from ")


def test_a_run_as_the_command_line_prints_it(page, world):
    told = page.get("/api/runs/songs").json
    assert told == json.loads(json.dumps(fedredis.show("songs", home=world.home).plain()))
    assert page.get("/api/runs/nobody").json == {
        "error": "there is no run nobody: `fedredis runs` lists them"
    }


def test_a_song_and_its_values_alike(page, values, world):
    named = page.post("/api/predict", json={"song": SCRIPT}).json
    numbers = {name: float(cell) for name, cell in values.items()}
    given = page.post("/api/predict", json={"run": "songs", "values": numbers}).json
    assert named["run"] == "songs"  # the newest that is finished and has a model
    assert named["truth"]
    assert {**named, "truth": None} == given
    assert IMAGE in numbers
    predicted = fedredis.predict("songs", values=numbers, home=world.home)
    assert (given["class"], given["probabilities"]) == (
        predicted.answer,
        predicted.probabilities,
    )


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, "give either `song` or `values`"),
        ({"song": "x", "values": {}}, "give either"),
        ([], "send a JSON object"),
        ({"song": 3}, "`song` must be text"),
        ({"values": [1]}, "`values` must be an object"),
        ({"values": {"energy": 0.5}}, "missing: danceability"),
        ({"values": {"energi": 0.5}}, "unknown: energi"),
        ({"song": "nobody's"}, "there is no song named"),
        ({"song": "x", "rum": "songs"}, "there is no field rum"),
        ({"song": "x", "run": "../x"}, "is not a name"),
    ],
)
def test_bad_input_is_told_why(page, sent, said):
    answer = page.post("/api/predict", json=sent)
    assert answer.status_code == 400
    assert said in answer.json["error"]


def test_what_is_no_json(page, values):
    assert page.post("/api/predict", data={"song": "x"}).status_code == 415
    headers = {"Content-Type": "application/json"}
    for text in ("", "{", "[" * 100_000, '{"a":' * 50_000):
        answer = page.post("/api/predict", data=text, headers=headers)
        assert (answer.status_code, answer.json) == (400, {"error": "send a JSON object"})
    for cell in ("loud", True, [1], {}, 10**400):
        answer = page.post("/api/predict", json={"values": {**values, "energy": cell}})
        assert (answer.status_code, "energy must be a number" in answer.json["error"]) == (
            400,
            True,
        )
    answer = page.post("/api/predict", json={"values": {**values, "energy": None}})
    assert (answer.status_code, "energy is missing" in answer.json["error"]) == (400, True)


def test_suggestions(page):
    assert page.get("/api/songs?q=<SCRIPT>&run=songs").json == [{"song": SCRIPT, "artist": ""}]
    assert len(page.get("/api/songs?q=song").json) == 12


def test_a_file_of_rows(page, world, token, tmp_path):
    form = {"csrf_token": token(page.get("/predict?run=songs").text), "run": "songs"}
    sent = {**form, "file": (io.BytesIO(world.csv.read_bytes()), "../my songs.csv")}
    answer = page.post("/predict/csv", data=sent, buffered=True)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == "attachment; filename=my_songs-songs.csv"
    out = tmp_path / "out.csv"
    fedredis.predict_rows(world.csv, "songs", out=out, home=world.home)
    assert answer.data == out.read_bytes()
    sent = {**form, "file": (io.BytesIO(b"a,b\n1,2\n"), "x.csv")}
    answer = page.post("/predict/csv", data=sent)
    assert answer.status_code == 400
    assert "danceability" in answer.text
    assert "/tmp" not in answer.text
    assert page.post("/predict/csv", data=form).status_code == 400


def test_events_of_a_run_that_is_over(page):
    assert page.get("/api/runs/songs/events").status_code == 204
    answer = page.get("/api/runs/songs/events?after=0-0")
    assert answer.mimetype == "text/event-stream"
    told = [block.split("\n") for block in answer.text.split("\n\n") if "data: " in block]
    events = [json.loads(data.removeprefix("data: ")) for _, data in told]
    assert events[0] == {"type": "opened", "round": "statistics:1"}
    assert events[-1]["type"] == "finished"
    # From there on, as a browser asks that was away.
    rest = page.get("/api/runs/songs/events", headers={"Last-Event-ID": told[-2][0][4:]})
    assert rest.text.count("data: ") == 1
    assert page.get("/api/runs/nobody/events").status_code == 404
    assert page.get("/api/runs/songs/events?after=x").status_code == 400


def test_figures_for_prometheus(page, locked):
    pytest.importorskip("prometheus_client")
    assert 'fedredis_run_score{figure="accuracy",run="songs"}' in page.get("/metrics").text
    assert locked.get("/metrics").status_code == 401


def test_the_description_is_valid_and_whole(page):
    told = page.get("/api/openapi.json", buffered=True).json
    validate(told)
    served = {
        rule.rule.replace("<", "{").replace(">", "}"): {m.lower() for m in rule.methods or ()}
        for rule in page.application.url_map.iter_rules()
        if rule.rule.startswith("/api/") and rule.endpoint != "api.openapi"
    }
    verbs = {"get", "post"}
    assert {path: verbs & methods for path, methods in served.items()} == {
        path: verbs & how.keys() for path, how in told["paths"].items()
    }
