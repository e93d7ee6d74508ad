import numpy as np
import pytest
import sklearn.metrics as reference

from fedredis.metrics import classification as metrics


@pytest.fixture
def answers():
    """Make probabilities (300, 4) and labels (300,) of four classes."""
    rng = np.random.default_rng(2)
    return rng.dirichlet(np.ones(4), 300), rng.integers(0, 4, 300)


def test_against_scikit_learn(answers):
    probabilities, y = answers
    result = metrics.from_sums(metrics.sums(probabilities, y))
    predicted = probabilities.argmax(axis=1)
    assert result.rows == 300
    assert result.accuracy == pytest.approx(reference.accuracy_score(y, predicted))
    assert result.macro_f1 == pytest.approx(reference.f1_score(y, predicted, average="macro"))
    assert result.log_loss == pytest.approx(reference.log_loss(y, probabilities))
    assert result.confusion == tuple(map(tuple, reference.confusion_matrix(y, predicted)))


def test_macro_f1_leaves_out_a_class_that_never_occurs():
    predicted, y = np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0])
    result = metrics.from_sums(metrics.sums(np.eye(4)[predicted], y))
    assert result.macro_f1 == pytest.approx(reference.f1_score(y, predicted, average="macro"))


def test_macro_f1_counts_a_class_that_is_only_predicted():
    predicted, y = np.array([0, 1, 2, 0]), np.array([0, 1, 0, 0])
    result = metrics.from_sums(metrics.sums(np.eye(4)[predicted], y))
    expected = reference.f1_score(y, predicted, average="macro", zero_division=0)
    assert result.macro_f1 == pytest.approx(expected)


def test_slaves_add_up_to_the_whole(answers):
    probabilities, y = answers
    whole = metrics.sums(probabilities, y)
    parts = [metrics.sums(probabilities[a:b], y[a:b]) for a, b in ((0, 50), (50, 50), (50, 300))]
    for part in parts:
        metrics.schema(4).encode(part)  # raises if they do not fit
    confusion, log_loss = (sum(arrays) for arrays in zip(*parts, strict=True))
    np.testing.assert_array_equal(confusion, whole[0])
    np.testing.assert_allclose(log_loss, whole[1])


def test_a_probability_of_0_costs_a_finite_loss():
    result = metrics.from_sums(metrics.sums(np.array([[1.0, 0.0]]), np.array([1])))
    assert result.log_loss == pytest.approx(-np.log(1e-15))


def test_no_rows():
    result = metrics.from_sums(metrics.schema(2).zeros())
    assert result == metrics.Metrics(0, 0.0, 0.0, 0.0, ((0, 0), (0, 0)))


@pytest.mark.parametrize("k", [1, 2, 3, 17, 40])
@pytest.mark.parametrize("n", [0, 1, 7, 8, 129, 200])
@pytest.mark.parametrize("classes", [2, 3, 7])
def test_tests_in_a_stack_are_summed_to_the_same_bits(k, n, classes):
    rng = np.random.default_rng([k, n, classes])
    probabilities = rng.dirichlet(np.ones(classes), (k, n)).transpose(0, 2, 1)
    y = rng.integers(0, classes, (k, n))
    stacked = metrics.sums_of_stack(np.ascontiguousarray(probabilities), y)
    assert len(stacked) == k
    for of_one, labels, together in zip(probabilities, y, stacked, strict=True):
        alone = metrics.sums(of_one.T, labels)
        assert [a.tobytes() for a in together] == [a.tobytes() for a in alone]
        assert together[0].sum() == n
        metrics.schema(classes).encode(together)


def test_sums_of_a_stack_are_counted_apart():
    probabilities = np.stack([np.eye(3)[[0, 1, 2]].T, np.eye(3)[[1, 1, 1]].T])
    one, other = metrics.sums_of_stack(probabilities, np.array([[0, 1, 2], [0, 0, 2]]))
    np.testing.assert_array_equal(one[0], np.eye(3))
    np.testing.assert_array_equal(other[0], [[0, 2, 0], [0, 0, 0], [0, 1, 0]])
    assert one[1].tolist() == [0]
    assert other[1][0] == pytest.approx(-3 * np.log(1e-15))


def test_the_quick_figures_are_the_same() -> None:
    rng = np.random.default_rng(1)
    total = metrics.sums(rng.dirichlet(np.ones(3), 40), rng.integers(0, 3, 40))
    measure = metrics.Classification(3)
    figures = measure.figures(total)
    assert measure.score(total, 40) == figures[measure.primary] == figures["accuracy"]
    assert measure.mean_loss(total, 40) == figures[measure.loss] == figures["log_loss"]
    nothing = measure.schema().zeros()
    assert (measure.score(nothing, 0), measure.mean_loss(nothing, 0)) == (0.0, 0.0)
