import numpy as np
import pytest
import sklearn.metrics as reference

from fedredis.arrays import Scope, Sum
from fedredis.arrays.figures import figures
from fedredis.metrics import FIGURES, Classification


def summary(probabilities, y):
    """Sum up a test as it travels; return its figures."""
    measure = Classification(probabilities.shape[1])
    samples = np.array([len(y)])
    rule = Sum(measure.quantities(), Scope(1, max(1, len(y))))
    arrived = rule.encode(measure.sums(probabilities[np.newaxis], y[np.newaxis]), samples)
    assert rule.reasons(np.array([1]), samples, arrived) == [None]
    return measure.summary(rule.decode([array[0] for array in arrived]), {})


@pytest.fixture
def answers():
    """Make probabilities (300, 4) and labels (300,) of four classes."""
    rng = np.random.default_rng(2)
    return rng.dirichlet(np.ones(4), 300), rng.integers(0, 4, 300)


def test_against_scikit_learn(answers):
    probabilities, y = answers
    predicted = probabilities.argmax(axis=1)
    assert summary(probabilities, y) == {
        "rows": 300,
        "accuracy": pytest.approx(reference.accuracy_score(y, predicted), rel=1e-14),
        "macro_f1": pytest.approx(reference.f1_score(y, predicted, average="macro"), rel=1e-14),
        "log_loss": pytest.approx(reference.log_loss(y, probabilities), rel=1e-14),
        "confusion": reference.confusion_matrix(y, predicted).tolist(),
    }


@pytest.mark.parametrize("predicted", [[0, 1, 1, 0], [0, 1, 2, 0]])
def test_macro_f1_leaves_out_classes_that_occur_nowhere(predicted):
    y = np.array([0, 1, 0, 0])
    expected = reference.f1_score(y, predicted, average="macro", zero_division=0)
    assert summary(np.eye(4)[predicted], y)["macro_f1"] == pytest.approx(expected)


def test_a_probability_of_0_costs_a_finite_loss():
    found = summary(np.array([[1.0, 0.0], [1 + 1e-9, 0]]), np.array([1, 0]))
    assert found["log_loss"] == pytest.approx(-np.log(1e-15) / 2)


def test_no_rows():
    found = summary(np.empty((0, 2)), np.empty(0, int))
    assert found.pop("rows") == 0
    assert set(found) == {"accuracy", "macro_f1", "log_loss", "confusion"}
    assert set(found.values()) == {None}


@pytest.mark.parametrize("k", [1, 2, 17, 40])
@pytest.mark.parametrize("n", [0, 1, 7, 129, 200])
@pytest.mark.parametrize("classes", [2, 3, 7])
def test_tests_in_a_stack_are_summed_to_the_same_bits(k, n, classes):
    rng = np.random.default_rng([k, n, classes])
    probabilities = rng.dirichlet(np.ones(classes), (k, n))
    y, measure = rng.integers(0, classes, (k, n)), Classification(classes)
    together, rows = measure.sums(probabilities, y), np.full(k, n)
    facts = measure.facts(together, rows, {})
    for i in range(k):
        alone = measure.sums(probabilities[i : i + 1].copy(), y[i : i + 1])
        assert [a[i].tobytes() for a in together] == [a[0].tobytes() for a in alone]
        found = measure.summary([a[i] for a in together], {})
        assert list(facts) == ["accuracy", "log_loss"]
        alone = [found[name] for name in facts]
        assert np.array_equal([facts[name][i] for name in facts], figures(alone), equal_nan=True)


@pytest.mark.parametrize(
    ("confusion", "loss"),
    [([2, 0, 0, 0], 0), ([4, 0, 0, -1], 0), ([3, 0, 0, 0], -1), ([3, 0, 0, 0], 105)],
)
def test_what_three_rows_can_not_come_to(confusion, loss):
    rule = Sum(Classification(2).quantities(), Scope(1, 3))
    scale, _ = rule.quantities[1].scales(1, 3)
    arrays = [np.reshape(confusion, (1, 2, 2)), np.ldexp([[float(loss)]], scale).astype(np.int64)]
    assert rule.reasons(np.array([1]), np.array([3]), arrays) != [None]


def test_figures_are_called_and_written_in_one_way():
    assert [*FIGURES] == ["accuracy", "macro_f1", "log_loss", "r2", "mse", "rmse", "mae"]
    accuracy, mse = FIGURES["accuracy"], FIGURES["mse"]
    assert (FIGURES["r2"].title, FIGURES["log_loss"].better) == ("R²", "less")
    assert [accuracy.write(x) for x in (0.51234, None, "x", float("nan"), [])] == [
        *("51.23%", "-", "?", "?", "?")
    ]
    assert [mse.write(x) for x in (0.25012345, 3.2e-9, 1234567.0)] == [
        *("0.25012", "3.2e-09", "1.2346e+06")
    ]
