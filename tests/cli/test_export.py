"""``fedredis export``: a model as a file."""

import pytest

import fedredis


@pytest.fixture
def trained(call, server, make_training):
    """A run of three rounds, and where it is."""
    training = make_training(2)
    training.drive()
    return training, ("--redis-url", server.url)


def test_a_file_that_predicts(call, trained):
    training, at = trained
    answer = call("export", training.run_id, "--out", "model.npz", *at)
    assert (answer.code, answer.out) == (0, "")
    model = fedredis.load("model.npz")
    assert answer.err == (
        f"the model of run {training.run_id} after round 3 is in model.npz, "
        f"sha256 {model.description.sha256}\n"
    )
    assert model.labels([dict.fromkeys((c.name for c in model.description.columns), 0.5)]) in (
        model.description.classes
    )


def test_the_best_round_and_the_last(call, trained):
    training, at = trained
    history = fedredis.show(training.run_id, redis_url=at[1])
    for which, number in (("best", history.state.best), ("last", 3)):
        answer = call(
            "export", training.run_id, "--out", "model.npz", "--round", which, "--force", *at
        )
        assert f"after round {number} is in model.npz" in answer.err


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
