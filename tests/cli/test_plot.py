"""``fedredis plot``: a picture of runs."""

import pytest
from matplotlib.image import imread


@pytest.fixture
def at(server):
    return ("--redis-url", server.url)


def test_two_runs(call, make_training, at):
    runs = [make_training(2, rounds=1, seed=seed) for seed in range(2)]
    for training in runs:
        training.drive()
    one, other = (training.run_id for training in runs)
    answer = call("plot", one, other, one, "--out", "two.png", *at)
    assert (answer.code, answer.out) == (0, "")
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
