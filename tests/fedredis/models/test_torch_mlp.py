import numpy as np
import pytest
from sklearn.metrics import r2_score

from fedredis.models import TorchMLP, TrainingSettings

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: pip install 'fedredis[torch]'"
)

WIDTH = 4
#: Classes; 0 for numbers.
KINDS = [0, 2, 3]


def make_data(classes, n=200):
    """Make rows X (n, 4) and labels y (n,) of which no line tells the one from the other."""
    rng = np.random.default_rng(5)
    X = rng.normal(0, 1, (n, WIDTH))
    product = X[:, 0] * X[:, 1]
    if not classes:
        return X, product
    return X, np.digitize(product, np.quantile(product, np.arange(1, classes) / classes))


def make_parameters(model, seed=1):
    rng = np.random.default_rng(seed)
    return [rng.normal(0, 0.5, field.shape) for field in model.schema().fields]


def settings(epochs=1, batch_size=20, rate=0.1, l2=1e-2):
    return TrainingSettings(epochs, batch_size, rate, l2)


def outputs(parameters, X):
    """Logits or numbers, written down a second time."""
    A, a, B, b = parameters
    return np.tanh(X @ A + a) @ B + b


@pytest.mark.parametrize("classes", KINDS)
def test_parameters_are_drawn_from_the_generator_given(classes):
    model = TorchMLP(WIDTH, classes)
    torch.manual_seed(1)
    first = model.initialise(np.random.default_rng(0))
    torch.manual_seed(2)
    again, other = (model.initialise(np.random.default_rng(seed)) for seed in (0, 1))
    model.schema().views(first)  # raises if they do not fit
    shapes = [(WIDTH, 32), (32,), (32, classes or 1), (classes or 1,)]
    assert [array.shape for array in first] == shapes
    for array, same, different in zip(first, again, other, strict=True):
        assert array.tobytes() == same.tobytes()
        if array.ndim == 2:
            bound = np.sqrt(6 / sum(array.shape))
            assert 0.8 * bound < np.abs(array).max() <= bound
            assert array.tobytes() != different.tobytes()
        else:
            assert not array.any()


def test_the_bits_do_not_depend_on_how_many_threads_there_are():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(3000, 300)), rng.integers(0, 3, 3000)
    model = TorchMLP(300, 3, hidden=200)
    parameters = model.initialise(rng)
    before, state = torch.get_num_threads(), torch.get_rng_state()
    bits = set()
    try:
        for threads in (1, 2, 4):
            torch.set_num_threads(threads)
            given = settings(batch_size=3000)
            trained = model.train(parameters, X, y, given, np.random.default_rng(0))
            answers = model.predict(trained, X)
            bits.add(b"".join(array.tobytes() for array in (*trained, answers)))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert len(bits) == 1
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("classes", KINDS)
def test_predictions(classes):
    X, _ = make_data(classes)
    X.flags.writeable = False
    model = TorchMLP(WIDTH, classes)
    parameters = make_parameters(model)
    expected = outputs(parameters, X)
    if classes:
        expected = np.exp(expected) / np.exp(expected).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict(parameters, X), expected, rtol=1e-12)
    assert model.predict(parameters, X[:0]).shape == (0, classes or 1)


@pytest.mark.parametrize(("classes", "least"), [(0, 0.9), (2, 0.9), (3, 0.85)])
def test_the_mean_over_slaves_learns_what_no_line_tells(classes, least):
    X, y = make_data(classes)
    model = TorchMLP(WIDTH, classes)
    w = model.initialise(np.random.default_rng(0))
    for number in range(40):
        rngs = [np.random.default_rng([number, k]) for k in range(4)]
        given = settings(epochs=5, rate=0.3, l2=1e-4)
        each = [model.train(w, X[k::4], y[k::4], given, rngs[k]) for k in range(4)]
        w = [sum(arrays) / 4 for arrays in zip(*each, strict=True)]
    told = model.predict(w, X)
    right = (told.argmax(axis=1) == y).mean() if classes else r2_score(y, told[:, 0])
    assert right > least
