"""``fedredis plot``: a picture of runs."""

import json

import pytest
from matplotlib.image import imread


@pytest.fixture
def at(server):
    return ("--redis-url", server.url)


@pytest.fixture
def train(call, at):
    """Return a function that trains for two rounds, and gives the run."""

    def train(*args):
        assert call("data", "synth", "--songs", 300, "--out", "songs.csv", "--force").code == 0
        run = ("run", "--data", "songs.csv", "--slaves", 2, "--rounds", 2, "--workers", 1)
        answer = call(*run, *args, "--json", *at)
        assert answer.code == 0, answer.err
        return json.loads(answer.out)["run"]

    return train


def test_one_run_and_two(call, train, at):
    one = train()
    answer = call("plot", one, "--out", "one.png", *at)
    assert (answer.code, answer.out, answer.err) == (0, "", f"{one} drawn in one.png\n")
    assert imread("one.png").shape == (1890, 1800, 4)
    other = train("--seed", 1)
    answer = call("plot", one, other, one, "--out", "two.png", *at)
    assert answer.err == f"{one}, {other} drawn in two.png\n"
    assert imread("two.png").shape == (1890, 1800, 4)


def test_a_run_without_a_test(call, at):
    """The slaves did not come."""
    assert call("partition", "--slaves", 2, "--out", "parts").code == 0
    waited = call("run", "--data", "parts", "--wait-timeout", 0.1, *at)
    run = waited.err.split()[1].rstrip(";")
    answer = call("plot", run, "--out", "one.png", *at)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        f"fedredis: run {run} has no tested round yet: there is nothing to draw\n"
    )


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (("--out", "x.png"), "Missing argument 'RUN...'"),
        (("r1",), "Missing option '--out'"),
        (("r1", "--out", "x.jpg"), "name the picture .png, .svg, .pdf"),
        (("r1", "--out", "."), "is a directory"),
        (("{x}", "--out", "x.png"), "is not a name"),
    ],
)
def test_wrong_calls(refused, args, complaint):
    assert complaint in refused("plot", *args)


def test_an_unknown_run(refused, at):
    assert "there is no run nosuch" in refused("plot", "nosuch", "--out", "x.png", *at)
