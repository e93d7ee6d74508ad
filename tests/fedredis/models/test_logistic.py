from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression as Reference

from fedredis import features
from fedredis.errors import UsageError
from fedredis.metrics import classification as metrics
from fedredis.models import LogisticRegression, StackedModel, TrainingSettings
from fedredis.models.protocol import GradientTerm

WIDTH, CLASSES = 4, 3
MODEL = LogisticRegression(WIDTH, CLASSES)
SONGS = Path(__file__).resolve().parents[4] / "shared/data/spotify-decades"


@pytest.fixture
def data():
    """Make 200 rows of three overlapping classes: X (200, 4), y (200,)."""
    rng = np.random.default_rng(5)
    y = rng.integers(0, CLASSES, 200)
    return rng.normal(0, 1, (200, WIDTH)) + rng.normal(0, 1, (CLASSES, WIDTH))[y], y


@pytest.fixture
def parameters():
    return [np.random.default_rng(1).normal(0, 0.5, (WIDTH + 1, CLASSES))]


def loss(weights, X, y, l2):
    """Mean log loss and penalty, written down a second time, row by row."""
    total = 0.0
    for x, label in zip(X, y, strict=True):
        logits = x @ weights[:-1] + weights[-1]
        total += np.log(np.exp(logits).sum()) - logits[label]
    return total / len(y) + l2 / 2 * (weights[:-1] ** 2).sum()


def test_starts_from_zeros():
    initial = MODEL.initialise(np.random.default_rng(0))
    MODEL.schema().encode(initial)  # raises if they do not fit
    assert not initial[0].any()


def test_a_step_follows_the_gradient_of_the_loss(data, parameters):
    X, y = data
    rate, l2, h = 0.1, 0.3, 1e-6
    settings = TrainingSettings(local_epochs=1, batch_size=len(y), learning_rate=rate, l2=l2)
    stepped = MODEL.train(parameters, X, y, settings, np.random.default_rng(0))[0]
    gradient = np.empty_like(stepped)
    for at in np.ndindex(stepped.shape):
        above, below = parameters[0].copy(), parameters[0].copy()
        above[at] += h
        below[at] -= h
        gradient[at] = (loss(above, X, y, l2) - loss(below, X, y, l2)) / (2 * h)
    np.testing.assert_allclose((parameters[0] - stepped) / rate, gradient, atol=1e-7)


def test_every_row_of_an_epoch_counts_once_the_short_batch_included(data, parameters):
    X, y = data
    settings = TrainingSettings(local_epochs=2, batch_size=64, learning_rate=0.1, l2=0.01)
    trained = MODEL.train(parameters, X, y, settings, np.random.default_rng(9))[0]

    rng, expected = np.random.default_rng(9), parameters[0]
    for _ in range(2):
        order = rng.permutation(len(y))
        for start in (0, 64, 128, 192):  # 64, 64, 64 and 8 rows
            batch = order[start : start + 64]
            step = TrainingSettings(1, len(batch), 0.1, 0.01)
            unshuffled = np.random.default_rng(0)
            expected = MODEL.train([expected], X[batch], y[batch], step, unshuffled)[0]
    np.testing.assert_allclose(trained, expected, rtol=1e-10)


def test_same_arguments_same_bits(data, parameters):
    X, y = data
    settings = TrainingSettings(local_epochs=3, batch_size=32, learning_rate=0.5, l2=1e-4)

    def train(X, y, seed=4):
        return MODEL.train(parameters, X, y, settings, np.random.default_rng(seed))[0].tobytes()

    assert train(X, y) == train(X, y)
    assert train(X, y) == train(np.asfortranarray(X), y.astype(np.int32))
    assert train(X, y) != train(X, y, seed=5)


def test_training_leaves_its_arguments_alone(data, parameters):
    X, y = data
    for array in (X, y, *parameters):
        array.flags.writeable = False
    settings = TrainingSettings(local_epochs=1, batch_size=32, learning_rate=0.5, l2=1e-4)
    trained = MODEL.train(parameters, X, y, settings, np.random.default_rng(0))
    MODEL.schema().encode(trained)
    assert not np.shares_memory(trained[0], parameters[0])
    assert trained[0].flags.writeable


def test_one_row(parameters):
    settings = TrainingSettings(local_epochs=1, batch_size=64, learning_rate=0.5, l2=1e-4)
    X, y = np.ones((1, WIDTH)), np.array([2])
    trained = MODEL.train(parameters, X, y, settings, np.random.default_rng(0))
    assert MODEL.predict(trained, X)[0, 2] > MODEL.predict(parameters, X)[0, 2]


@pytest.mark.parametrize(
    ("batch_size", "rate", "epochs", "tolerance"), [(200, 0.3, 1000, 1e-6), (50, 0.01, 1500, 0.02)]
)
def test_converges_to_the_solution_of_scikit_learn(data, batch_size, rate, epochs, tolerance):
    X, y = data
    l2 = 0.1
    settings = TrainingSettings(epochs, batch_size, rate, l2)
    initial = MODEL.initialise(np.random.default_rng(0))
    trained = MODEL.train(initial, X, y, settings, np.random.default_rng(0))[0]
    # Theirs is C times the sum of the log loss, plus half the squared norm.
    reference = Reference(C=1 / (l2 * len(y)), tol=1e-10, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(trained[:-1].T, reference.coef_, atol=tolerance)
    np.testing.assert_allclose(trained[-1], reference.intercept_, atol=tolerance)


def test_predict_is_the_softmax(data, parameters):
    X, _ = data
    probabilities = MODEL.predict(parameters, X)
    powers = np.exp(X @ parameters[0][:-1] + parameters[0][-1])
    np.testing.assert_allclose(probabilities, powers / powers.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


@pytest.mark.parametrize("size", [1e3, 1e100, 1e300])
def test_huge_inputs(data, parameters, size):
    probabilities = MODEL.predict(parameters, data[0] * size)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_evaluate_adds_up(data, parameters):
    X, y = data
    whole = MODEL.evaluate(parameters, X, y)
    first, second, none = (
        MODEL.evaluate(parameters, X[part], y[part])
        for part in (slice(0, 70), slice(70, None), slice(0, 0))
    )
    metrics.schema(CLASSES).encode(none)
    np.testing.assert_array_equal(first[0] + second[0] + none[0], whole[0])
    np.testing.assert_allclose(first[1] + second[1] + none[1], whole[1])
    accuracy = (MODEL.predict(parameters, X).argmax(axis=1) == y).mean()
    assert metrics.from_sums(whole).accuracy == pytest.approx(accuracy)


# Several slaves at once.


def make_stack(k, n, width, classes):
    """Make k slaves' rows: inputs (n, width) and labels (n,) each, and parameters."""
    rng = np.random.default_rng([k, n, width, classes])
    Xs = [rng.normal(0, 2, (n, width)) for _ in range(k)]
    ys = [rng.integers(0, classes, n) for _ in range(k)]
    return Xs, ys, [rng.normal(0, 0.5, (width + 1, classes))]


def bits(arrays):
    return [array.tobytes() for array in arrays]


def generators(k):
    return [np.random.default_rng([3, slave]) for slave in range(k)]


def test_it_can_be_stacked():
    assert isinstance(MODEL, StackedModel)


SHAPES = [
    (k, n, width, classes)
    for k in (1, 2, 3, 8, 40)
    for n, width, classes in (
        *((1, 1, 2), (1, 77, 3), (2, 11, 3), (7, 11, 5), (8, 77, 4), (63, 11, 7)),
        *((64, 77, 3), (65, 1, 2), (128, 77, 2), (199, 11, 6), (200, 77, 7)),
    )
]


@pytest.mark.parametrize(("k", "n", "width", "classes"), SHAPES)
def test_a_stack_is_trained_to_the_same_bits_as_each_alone(k, n, width, classes):
    model = LogisticRegression(width, classes)
    Xs, ys, parameters = make_stack(k, n, width, classes)
    settings = TrainingSettings(local_epochs=3, batch_size=64, learning_rate=0.3, l2=1e-3)
    together = model.train_stack(parameters, Xs, ys, settings, generators(k))
    assert len(together) == k
    for X, y, rng, trained in zip(Xs, ys, generators(k), together, strict=True):
        assert bits(trained) == bits(model.train(parameters, X, y, settings, rng))
        model.schema().encode(trained)


@pytest.mark.parametrize(("k", "n", "width", "classes"), [*SHAPES, (5, 0, 11, 3), (1, 0, 1, 2)])
def test_a_stack_is_tested_to_the_same_bits_as_each_alone(k, n, width, classes):
    model = LogisticRegression(width, classes)
    Xs, ys, parameters = make_stack(k, n, width, classes)
    together = model.evaluate_stack(parameters, Xs, ys)
    assert len(together) == k
    for X, y, sums in zip(Xs, ys, together, strict=True):
        assert bits(sums) == bits(model.evaluate(parameters, X, y))
        metrics.schema(classes).encode(sums)


@pytest.mark.parametrize("k", range(1, 41))
def test_a_stack_of_any_height(k):
    Xs, ys, parameters = make_stack(k, 30, 11, 3)
    model = LogisticRegression(11, 3)
    settings = TrainingSettings(local_epochs=2, batch_size=8, learning_rate=0.3, l2=1e-3)
    together = model.train_stack(parameters, Xs, ys, settings, generators(k))
    alone = [
        model.train(parameters, X, y, settings, rng)
        for X, y, rng in zip(Xs, ys, generators(k), strict=True)
    ]
    assert [bits(trained) for trained in together] == [bits(trained) for trained in alone]
    tested = model.evaluate_stack(parameters, Xs, ys)
    assert [bits(sums) for sums in tested] == [
        bits(model.evaluate(parameters, X, y)) for X, y in zip(Xs, ys, strict=True)
    ]


@pytest.mark.parametrize("n", range(1, 201, 9))
def test_slaves_of_any_number_of_rows(n):
    Xs, ys, parameters = make_stack(6, n, 77, 3)
    model = LogisticRegression(77, 3)
    settings = TrainingSettings(local_epochs=2, batch_size=64, learning_rate=0.3, l2=1e-3)
    together = model.train_stack(parameters, Xs, ys, settings, generators(6))
    tested = model.evaluate_stack(parameters, Xs, ys)
    for i, rng in enumerate(generators(6)):
        alone = model.train(parameters, Xs[i], ys[i], settings, rng)
        assert bits(together[i]) == bits(alone)
        assert bits(tested[i]) == bits(model.evaluate(parameters, Xs[i], ys[i]))


def test_beside_whom_a_slave_is_trained_makes_no_difference():
    Xs, ys, parameters = make_stack(6, 50, 11, 3)
    model = LogisticRegression(11, 3)
    settings = TrainingSettings(local_epochs=2, batch_size=16, learning_rate=0.3, l2=1e-3)

    def train(*slaves):
        rngs = [np.random.default_rng([3, slave]) for slave in slaves]
        of = [[Xs[slave] for slave in slaves], [ys[slave] for slave in slaves]]
        trained = model.train_stack(parameters, *of, settings, rngs)
        return dict(zip(slaves, map(bits, trained), strict=True))

    everyone = train(0, 1, 2, 3, 4, 5)
    for others in ((5, 4, 3, 2, 1, 0), (2,), (4, 0), (1, 5, 3)):
        for slave, trained in train(*others).items():
            assert trained == everyone[slave]
    assert len({tuple(trained) for trained in everyone.values()}) == 6


def test_slaves_of_huge_inputs_do_not_touch_the_others():
    Xs, ys, parameters = make_stack(3, 20, 11, 3)
    model = LogisticRegression(11, 3)
    settings = TrainingSettings(local_epochs=1, batch_size=8, learning_rate=0.3, l2=1e-3)
    before = model.train_stack(parameters, Xs, ys, settings, generators(3))
    Xs[1] = Xs[1] * 1e150
    after = model.train_stack(parameters, Xs, ys, settings, generators(3))
    assert [bits(before[i]) == bits(after[i]) for i in range(3)] == [True, False, True]


def test_training_a_stack_leaves_its_arguments_alone():
    Xs, ys, parameters = make_stack(4, 20, 11, 3)
    for array in (*Xs, *ys, *parameters):
        array.flags.writeable = False
    model = LogisticRegression(11, 3)
    settings = TrainingSettings(local_epochs=2, batch_size=8, learning_rate=0.3, l2=1e-3)
    trained = model.train_stack(parameters, Xs, ys, settings, generators(4))
    for i, (weights,) in enumerate(trained):
        assert weights.flags.writeable
        assert not np.shares_memory(weights, parameters[0])
        assert not any(np.shares_memory(weights, other[0]) for other in trained[:i])


def test_rows_in_any_layout_and_type_give_the_same_bits():
    Xs, ys, parameters = make_stack(3, 40, 11, 3)
    model = LogisticRegression(11, 3)
    settings = TrainingSettings(local_epochs=2, batch_size=16, learning_rate=0.3, l2=1e-3)
    others = [np.asfortranarray(Xs[0]), np.repeat(Xs[1], 2, axis=0)[::2], Xs[2]]
    labels = [ys[0].astype(np.int32), ys[1].astype(np.uint8), ys[2]]
    one = model.train_stack(parameters, Xs, ys, settings, generators(3))
    other = model.train_stack(parameters, others, labels, settings, generators(3))
    assert [bits(trained) for trained in one] == [bits(trained) for trained in other]
    one = model.evaluate_stack(parameters, Xs, ys)
    other = model.evaluate_stack(parameters, others, labels)
    assert [bits(sums) for sums in one] == [bits(sums) for sums in other]


@pytest.mark.skipif(not SONGS.is_dir(), reason="the song files are not here")
def test_federated_averaging_on_songs():
    """Ten slaves, twenty rounds: what all the data in one place would give is 66.4 %."""
    ranges = {"key": (0.0, 11.0), "loudness": (-60.0, 5.0), "tempo": (0.0, 250.0)}
    names = ["danceability", "energy", "key", "loudness", "mode", "speechiness", "acousticness"]
    names += ["instrumentalness", "liveness", "valence", "tempo"]
    decades = ("60s", "70s", "80s", "90s", "00s", "10s")
    songs = pd.concat(
        [
            pd.read_csv(SONGS / f"dataset-of-{decade}.csv", usecols=[*names, "uri"]).assign(
                era=number // 2
            )
            for number, decade in enumerate(decades)
        ]
    ).drop_duplicates("uri")
    order = np.random.default_rng(0).permutation(len(songs))
    X, y = songs[names].to_numpy(np.float64)[order], songs["era"].to_numpy()[order]
    test = slice(0, len(y) // 5)
    slaves = np.array_split(np.arange(len(y) // 5, len(y)), 10)

    columns = tuple(features.Column(name, *ranges.get(name, (0.0, 1.0))) for name in names)
    quadratic, known = features.make("quadratic", columns), {}
    while name := quadratic.next_pass(known):
        sums = [quadratic.sums(name, known, X[rows]) for rows in slaves]
        known = quadratic.learn(name, known, [sum(arrays) for arrays in zip(*sums, strict=True)])
    inputs = quadratic.transform(known, X)

    model = LogisticRegression(quadratic.width({}), 3)
    parameters = model.initialise(np.random.default_rng(0))
    for number in range(20):
        settings = TrainingSettings(1, 64, 0.7 * (1 - number / 20), 1e-4)
        updates = [
            model.train(
                parameters, inputs[rows], y[rows], settings, np.random.default_rng((number, slave))
            )[0]
            for slave, rows in enumerate(slaves)
        ]
        parameters = [np.average(updates, axis=0, weights=[len(rows) for rows in slaves])]
    result = metrics.from_sums(model.evaluate(parameters, inputs[test], y[test]))
    assert result.accuracy > 0.655
    assert result.macro_f1 > 0.62


# What strategies ask of it beyond training.


def test_labels_that_are_numbers_are_not_for_it():
    with pytest.raises(UsageError, match="needs classes, and the labels are numbers"):
        LogisticRegression(3, 0)


def test_no_term_changes_no_bit_and_a_term_is_part_of_the_gradient():
    (X,), (y,), parameters = make_stack(1, 50, 4, 3)
    model, rate = LogisticRegression(4, 3), 0.3
    settings = TrainingSettings(local_epochs=2, batch_size=50, learning_rate=rate, l2=0.1)
    plain = model.train(parameters, X, y, settings, np.random.default_rng(1))
    nothing = [GradientTerm(), GradientTerm(0.0, [np.zeros((5, 3))])]
    for term in nothing:
        rng = np.random.default_rng(1)
        assert bits(model.train_steered(parameters, X, y, settings, rng, term)) == bits(plain)
    correction = np.random.default_rng(2).normal(0, 0.1, (5, 3))
    expected = parameters[0].copy()
    for _ in range(2):
        gradient = model.derivatives([expected], X, y).gradient.reshape(5, 3) / 50
        gradient += 0.1 * model.penalised()[0] * expected
        gradient += 0.7 * (expected - parameters[0]) + correction
        expected = expected - rate * gradient
    term = GradientTerm(0.7, [correction])
    (steered,) = model.train_steered(parameters, X, y, settings, np.random.default_rng(1), term)
    np.testing.assert_allclose(steered, expected, rtol=1e-12)


def test_a_stack_with_terms_is_trained_to_the_same_bits_as_each_alone():
    Xs, ys, parameters = make_stack(4, 30, 11, 3)
    model = LogisticRegression(11, 3)
    settings = TrainingSettings(local_epochs=2, batch_size=8, learning_rate=0.3, l2=1e-3)
    rng = np.random.default_rng(0)
    terms = [GradientTerm(0.1 * i, [rng.normal(0, 0.1, (12, 3))]) for i in range(4)]
    together = model.train_stack(parameters, Xs, ys, settings, generators(4), terms)
    for i, own in enumerate(generators(4)):
        alone = model.train_steered(parameters, Xs[i], ys[i], settings, own, terms[i])
        assert bits(together[i]) == bits(alone)


@pytest.mark.parametrize("classes", [2, 3])
def test_derivatives_are_those_of_the_loss(classes):
    (X,), (y,), parameters = make_stack(1, 50, 3, classes)
    model, step = LogisticRegression(3, classes), 1e-6
    at = model.derivatives(parameters, X, y)
    p = 4 * classes
    assert (at.rows, at.gradient.shape, at.hessian.shape) == (50, (p,), (p, p))
    np.testing.assert_allclose(at.hessian, at.hessian.T, rtol=1e-12)
    for i in range(p):
        moved = [parameters[0] + step * np.eye(p)[i].reshape(4, classes)]
        there = model.derivatives(moved, X, y)
        assert (there.loss - at.loss) / step == pytest.approx(at.gradient[i], rel=1e-3, abs=1e-3)
        slope = (there.gradient - at.gradient) / step
        np.testing.assert_allclose(slope, at.hessian[i], rtol=1e-3, atol=1e-3)


def test_derivatives_add_up_over_slaves():
    (X,), (y,), parameters = make_stack(1, 50, 3, 3)
    model = LogisticRegression(3, 3)
    whole = model.derivatives(parameters, X, y)
    parts = [
        model.derivatives(parameters, X[a:b], y[a:b]) for a, b in ((0, 20), (20, 20), (20, 50))
    ]
    assert sum(part.loss for part in parts) == pytest.approx(whole.loss)
    np.testing.assert_allclose(sum(part.gradient for part in parts), whole.gradient)
    np.testing.assert_allclose(sum(part.hessian for part in parts), whole.hessian)
