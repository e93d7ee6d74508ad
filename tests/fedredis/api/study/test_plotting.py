import json
import sys

import pytest
from matplotlib.image import imread

import fedredis
from fedredis.api.study import node_picture
from fedredis.errors import DataError, FedredisError, RunNotFoundError, UsageError


@pytest.fixture
def at(server):
    return {"redis_url": server.url}


@pytest.fixture
def driven(make_training):
    """Return a function that makes a run and drives it to its end."""

    def driven(**changes):
        training = make_training(**{"rounds": 2, **changes})
        training.drive()
        return training.run_id

    return driven


def test_a_run(driven, at, folder):
    run = driven()
    assert str(fedredis.plot(run, "curve.png", **at)) == "curve.png"
    assert imread("curve.png").shape == (1890, 1800, 4)
    assert [path.name for path in folder.iterdir()] == ["curve.png"]


def test_runs_over_each_other(driven, at):
    runs = [driven(), driven(strategy="scaffold")]
    fedredis.plot([*runs, runs[0]], "curve.PNG", **at)
    assert imread("curve.PNG").shape == (1890, 1800, 4)


@pytest.mark.parametrize(("suffix", "start"), [("svg", b"<?xml"), ("pdf", b"%PDF-")])
def test_other_formats(driven, at, folder, suffix, start):
    fedredis.plot(driven(), folder / f"curve.{suffix}", **at)
    assert (folder / f"curve.{suffix}").read_bytes().startswith(start)


def test_numbers_are_no_classes(driven, at, folder):
    one, other = driven(), driven(model="linear", classes=())
    with pytest.raises(
        UsageError, match=f"over each other: accuracy of run {one}, r2 of run {other}"
    ):
        fedredis.plot([one, other], "curve.png", **at)
    fedredis.plot(other, "curve.png", **at)
    assert imread("curve.png").shape == (630, 1800, 4)


def test_runs_that_there_is_nothing_of(make_training, driven, at, folder):
    run, waiting = driven(), make_training().run_id
    with pytest.raises(FedredisError, match=f"run {waiting} has no tested round yet"):
        fedredis.plot([run, waiting], "curve.png", **at)
    with pytest.raises(RunNotFoundError):
        fedredis.plot([run, "nosuch"], "curve.png", **at)
    with pytest.raises(UsageError, match="is not a name"):
        fedredis.plot("{x}", "curve.png", **at)
    with pytest.raises(UsageError, match="name a run to draw"):
        fedredis.plot([], "curve.png", **at)
    assert list(folder.iterdir()) == []


def test_a_run_without_held_out_rows(client, driven, at, folder):
    run = driven()
    key = f"fedredis:{{{run}}}:history"
    for name, entry in client.hgetall(key).items():
        if name.startswith(b"evaluate:"):
            nothing = dict.fromkeys(("accuracy", "log_loss", "macro_f1", "confusion"))
            client.hset(key, name, json.dumps({**json.loads(entry), **nothing}))
    with pytest.raises(FedredisError, match=f"^no slave of run {run} holds out rows: no figure"):
        fedredis.plot(run, "curve.png", **at)
    assert list(folder.iterdir()) == []


def test_a_file_that_can_not_be_written(driven, at, folder):
    (folder / "curve.png").write_text("")
    run = driven()
    with pytest.raises(DataError, match="it exists already"):
        fedredis.plot(run, "curve.png", **at)
    with pytest.raises(DataError, match="there is no directory"):
        fedredis.plot(run, "curve.png/curve.png", **at)
    assert fedredis.plot(run, "curve.png", force=True, **at).stat().st_size > 10_000


@pytest.mark.parametrize("name", ["curve", "curve.jpg", "curve.png.gz"])
def test_files_of_other_names(name):
    """They are refused before Redis is asked for anything."""
    with pytest.raises(UsageError, match=r"name the picture \.png, \.svg, \.pdf"):
        fedredis.plot("r1", name, redis_url="redis://127.0.0.1:1")


def test_without_matplotlib(monkeypatch):
    for name in ("node_picture", "run_picture", "run_panels"):
        monkeypatch.delitem(sys.modules, f"fedredis.api.study.{name}", raising=False)
    for name in ("matplotlib", "matplotlib.figure", "matplotlib.ticker"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match=r"pip install 'fedredis\[plot\]'"):
        fedredis.plot("r1", "curve.png", redis_url="redis://127.0.0.1:1")


def test_nodes_of_runs_beside_each_other(trained, csv, at, folder):
    other = fedredis.run(csv, slaves=2, rounds=1, workers=1, **at)
    fedredis.plot([trained.run, other.run], "nodes.png", nodes=True, **at)
    height, width, _ = imread("nodes.png").shape
    assert width == (2 * 6 + 0.8) * 150
    assert height == (2.2 + 2 + 0.8) * 150
    used = [fedredis.nodes(run, **at) for run in (trained.run, other.run)]
    axes = {one.get_label(): one for one in node_picture.figure_of(used).axes}
    for i, nodes in enumerate(used):
        image, *_ = axes[f"each {i}"].images
        assert image.get_array().shape[0] == len(nodes.series)
        labels = [label.get_text() for label in axes[f"each {i}"].get_yticklabels()]
        assert labels == [one.called for one in nodes.series.values()]
        start, end, *_ = image.get_extent()
        seconds = (end - start) / image.get_array().shape[1]
        total = sum(one.cpu_seconds for one in nodes.series.values())
        assert image.get_array().sum() * seconds == pytest.approx(total, rel=1e-3)
        assert f"{total:.1f} CPU seconds" in axes[f"together {i}"].get_title(loc="left")


def test_nodes_of_which_nothing_is_known(make_training, at, folder):
    run = make_training().run_id
    with pytest.raises(FedredisError, match=f"run {run} has no samples of its nodes"):
        fedredis.plot(run, "nodes.png", nodes=True, **at)
    with pytest.raises(UsageError, match="`nodes` of at most 3 runs"):
        fedredis.plot(["a", "b", "c", "d"], "nodes.png", nodes=True, **at)
    assert list(folder.iterdir()) == []
