import numpy as np
import pytest
from sklearn.metrics import r2_score

from fedredis.models import StackedModel, SteeredModel, TorchMLP, TrainingSettings
from fedredis.models.protocol import GradientTerm, lacks

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


def loss(classes, parameters, X, y, l2):
    """Mean loss and penalty, row by row."""
    total = 0.0
    for row, label in zip(outputs(parameters, X), y, strict=True):
        total += (
            (row[0] - label) ** 2 / 2 if not classes else np.log(np.exp(row - row[label]).sum())
        )
    return total / len(y) + l2 / 2 * sum((w**2).sum() for w in parameters if w.ndim == 2)


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


@pytest.mark.parametrize("classes", KINDS)
@pytest.mark.parametrize("steered", [False, True])
def test_a_step_follows_the_gradient_of_the_loss(classes, steered):
    X, y = make_data(classes, 30)
    model, rate, l2, h = TorchMLP(WIDTH, classes, hidden=3), 0.1, 0.3, 1e-6
    parameters, correction = make_parameters(model), make_parameters(model, seed=2)
    one_step = settings(batch_size=len(y), rate=rate, l2=l2)
    rng = np.random.default_rng(0)
    term = GradientTerm(0.7, correction) if steered else None
    trained = model.train(parameters, X, y, one_step, rng, term)
    for number, array in enumerate(parameters):
        gradient = np.empty_like(array)
        for at in np.ndindex(array.shape):
            sides = []
            for step in (h, -h):
                moved = [other.copy() for other in parameters]
                moved[number][at] += step
                sides.append(loss(classes, moved, X, y, l2))
            gradient[at] = (sides[0] - sides[1]) / (2 * h)
        if steered:
            # The proximal term pulls from the second step on.
            gradient += correction[number]
        np.testing.assert_allclose((array - trained[number]) / rate, gradient, atol=1e-7)


def test_the_proximal_term_pulls_back_to_what_was_sent():
    X, y = make_data(3)
    model = TorchMLP(WIDTH, 3)
    sent = make_parameters(model)
    rate, mu = 0.1, 2.0
    both = settings(batch_size=len(y), rate=rate, l2=0.0, epochs=2)
    one = settings(batch_size=len(y), rate=rate, l2=0.0)

    def rng():
        return np.random.default_rng(0)

    steered = model.train(sent, X, y, both, rng(), GradientTerm(mu))
    first = model.train(sent, X, y, one, rng())
    second = model.train(first, X, y, one, rng())
    for there, w_0, w_1, w_2 in zip(steered, sent, first, second, strict=True):
        np.testing.assert_allclose(there, w_2 - rate * mu * (w_1 - w_0), atol=1e-12)


def test_a_term_of_nothing_changes_nothing():
    X, y = make_data(3)
    model = TorchMLP(WIDTH, 3)
    assert lacks(model, SteeredModel) == ""
    assert not isinstance(model, StackedModel)
    sent, given = make_parameters(model), settings(epochs=2)
    plain = model.train(sent, X, y, given, np.random.default_rng(3))
    steered = model.train(sent, X, y, given, np.random.default_rng(3), GradientTerm())
    assert [a.tobytes() for a in plain] == [a.tobytes() for a in steered]


def test_every_row_of_an_epoch_counts_once_the_short_batch_included():
    X, y = make_data(3)
    model = TorchMLP(WIDTH, 3)
    parameters = make_parameters(model)
    given = settings(epochs=2, batch_size=64)
    trained = model.train(parameters, X, y, given, np.random.default_rng(9))

    rng, expected = np.random.default_rng(9), parameters
    for _ in range(2):
        order = rng.permutation(len(y))
        for start in (0, 64, 128, 192):  # 64, 64, 64 and 8 rows
            batch = order[start : start + 64]
            step = settings(batch_size=len(batch))
            expected = model.train(expected, X[batch], y[batch], step, np.random.default_rng(0))
    for array, other in zip(trained, expected, strict=True):
        np.testing.assert_allclose(array, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("classes", KINDS)
def test_same_arguments_same_bits(classes):
    X, y = make_data(classes)
    model = TorchMLP(WIDTH, classes)
    parameters = make_parameters(model)

    def train(X, seed=4):
        rng = np.random.default_rng(seed)
        trained = model.train(parameters, X, y, settings(epochs=3), rng)
        return b"".join(array.tobytes() for array in trained)

    assert train(X) == train(X) == train(np.asfortranarray(X))
    assert train(X) != train(X, seed=5)


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
def test_training_leaves_its_arguments_alone(classes):
    X, y = make_data(classes)
    model = TorchMLP(WIDTH, classes)
    parameters = make_parameters(model)
    for array in (X, y, *parameters):
        array.flags.writeable = False
    term = GradientTerm(0.1, parameters)
    trained = model.train(parameters, X, y, settings(), np.random.default_rng(0), term)
    model.schema().views(trained)
    for before, after in zip(parameters, trained, strict=True):
        assert not np.shares_memory(before, after)
        assert after.flags.writeable


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


def test_one_row():
    model = TorchMLP(WIDTH, 3)
    before = make_parameters(model)
    X, y = np.ones((1, WIDTH)), np.array([2])
    trained = model.train(before, X, y, settings(), np.random.default_rng(0))
    assert model.predict(trained, X)[0, 2] > model.predict(before, X)[0, 2]


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
