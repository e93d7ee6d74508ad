"""``fedredis export``: a model as a file."""

import json

import pytest

import fedredis


@pytest.fixture
def trained(call, server):
    """A run on a few songs, and where it is."""
    at = ("--redis-url", server.url)
    assert call("data", "synth", "--songs", 300, "--out", "songs.csv").code == 0
    run = ("run", "--data", "songs.csv", "--slaves", 2, "--rounds", 3, "--workers", 1, "--json")
    answer = call(*run, *at)
    assert answer.code == 0, answer.err
    return json.loads(answer.out), at


def test_a_file_that_predicts(call, trained):
    outcome, at = trained
    answer = call("export", outcome["run"], "--out", "model.npz", *at)
    assert (answer.code, answer.out) == (0, "")
    digest = outcome["weights_sha256"]
    assert answer.err == (
        f"the model of run {outcome['run']} after round 3 is in model.npz, sha256 {digest}\n"
    )
    model = fedredis.load("model.npz")
    assert model.description.sha256 == digest
    assert model.labels([dict.fromkeys((c.name for c in model.description.columns), 0.5)]) in (
        model.description.classes
    )


def test_the_best_round_and_the_last(call, trained):
    outcome, at = trained
    history = fedredis.show(outcome["run"], redis_url=at[1])
    for which, number in (("best", history.state.best), ("last", 3)):
        answer = call(
            "export", outcome["run"], "--out", "model.npz", "--round", which, "--force", *at
        )
        assert f"after round {number} is in model.npz" in answer.err


def test_onnx(call, trained, tmp_path):
    pytest.importorskip("onnx")
    outcome, at = trained
    assert call("export", outcome["run"], "--out", "model.onnx", *at).code == 0
    assert (tmp_path / "model.onnx").stat().st_size > 1000


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (("r1",), "Missing option '--out'"),
        (("r1", "--out", "model.pkl"), "name the file .npz, for fedredis.load, or .onnx"),
        (("r1", "--out", "."), "is a directory"),
        (("r1", "--out", "m.npz", "--round", "first"), "'--round': 'first' is not one of"),
        (("{x}", "--out", "m.npz"), "is not a name"),
    ],
)
def test_wrong_calls(refused, args, complaint):
    assert complaint in refused("export", *args)


def test_an_unknown_run(refused, server):
    at = ("--redis-url", server.url)
    assert "there is no run nosuch" in refused("export", "nosuch", "--out", "m.npz", *at)
