"""What all rules over single updates share, each of them tried."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedredis.arrays import Updates
from fedredis.errors import FedredisError, UsageError
from fedredis.models import LogisticRegression, TrainingSettings
from fedredis.strategies import STRATEGIES, Global, Returned
from fedredis.strategies.robust import Bounded, Robust, square_distances, square_norms

RULES = {name: rule for name, rule in STRATEGIES.items() if issubclass(rule, Robust)}
BOUNDED = {name: rule for name, rule in RULES.items() if issubclass(rule, Bounded)}
#: Slaves, as many as any test has.
NAMES = tuple(map(str, range(40)))
SETTINGS = TrainingSettings(1, 8, 0.5, 0.0)

every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
every_bounded_rule = pytest.mark.parametrize("rule", BOUNDED.values(), ids=BOUNDED)


def moved(rule, points, rows, current):
    """Let a rule move a model of some arrays; `points` is a list of such models."""
    samples = np.array(rows)
    stacks = [
        np.stack([n * array for n, array in zip(rows, arrays, strict=True)])
        for arrays in zip(*points, strict=True)
    ]
    totals = [stack.sum(axis=0) for stack in stacks]
    returned = Returned(
        totals, sum(rows), len(rows), len(rows), Updates(NAMES[: len(rows)], samples, stacks)
    )
    return rule.move(LogisticRegression(1, 2), Global(current, {}), returned, SETTINGS)


def test_which_rules_there_are():
    assert sorted(RULES) == [
        *("bulyan", "geometric-median", "krum", "median", "multi-krum", "norm-clipping"),
        "trimmed-mean",
    ]
    assert sorted(BOUNDED) == ["bulyan", "krum", "multi-krum", "trimmed-mean"]
    assert all(rule.single for rule in RULES.values())


@every_rule
def test_slaves_that_agree_are_followed(rule):
    agreed = [np.array([[1.5, -2.0], [0.25, 4.0]]), np.array([3.0])]
    after = moved(rule(), [agreed] * 7, [4, 1, 8, 2, 16, 1, 32], [a * 0 for a in agreed])
    for array, expected in zip(after.parameters, agreed, strict=True):
        np.testing.assert_allclose(array, expected, rtol=1e-12)
        assert array.shape == expected.shape


@every_rule
def test_rows_do_not_count(rule):
    """A number of rows is a claim, which an attacker would make large."""
    rng = np.random.default_rng(3)
    points = [[rng.normal(size=(2, 2)), rng.normal(size=3)] for _ in range(10)]
    current = [np.zeros((2, 2)), np.zeros(3)]
    few = moved(rule(), points, [1] * 10, current)
    # Powers of two, which change no bits of what they are multiplied with and divided by.
    many = moved(rule(), points, [1 << (3 * i) for i in range(10)], current)
    for one, other in zip(few.parameters, many.parameters, strict=True):
        np.testing.assert_array_equal(one, other)


@every_rule
def test_the_parameters_keep_their_type(rule):
    current = [np.zeros((2, 2), "<f4"), np.zeros(3)]
    after = moved(rule(), [current] * 5, [1] * 5, current)
    assert [array.dtype for array in after.parameters] == ["<f4", "<f8"]


@every_rule
def test_the_updates_are_left_alone(rule):
    stack = np.random.default_rng(0).normal(size=(7, 5))
    before = stack.copy()
    returned = Returned([stack.sum(0)], 7, 7, 7, Updates(NAMES[:7], np.ones(7, np.int64), [stack]))
    current = Global([np.zeros(5)])
    rule().move(LogisticRegression(1, 2), current, returned, SETTINGS)
    np.testing.assert_array_equal(stack, before)
    assert not current.parameters[0].any()


@every_rule
@pytest.mark.parametrize("attack", [1e6, -1e6, 3.0, 0.0])
def test_two_attackers_of_ten_together_take_the_model_nowhere(rule, attack):
    """Honest slaves are near (1, …, 1); the model stays near to them, or on its way there."""
    rng = np.random.default_rng(1)
    points = 1 + rng.normal(0, 0.05, (10, 20))
    points[[2, 7]] = attack * rng.choice([-1, 1], 20)
    combined = rule().combine(points.copy(), np.zeros(20))
    # Attackers undo at most their share and an honest one's each, where steps are cut.
    assert (combined > 0.55).all()
    assert (combined < 1.25).all()


# Bulyan's last selections are by the nearest neighbour alone, and two slaves can be each
# other's: who comes first then counts.
@pytest.mark.parametrize("name", [name for name in RULES if name != "bulyan"])
def test_the_model_does_not_depend_on_who_is_who(name):
    rule, rng = RULES[name], np.random.default_rng(2)
    points = rng.normal(size=(9, 4))
    expected = rule().combine(points.copy(), np.zeros(4))
    for _ in range(20):
        shuffled = rule().combine(points[rng.permutation(9)], np.zeros(4))
        np.testing.assert_allclose(shuffled, expected, rtol=1e-9)


@every_rule
def test_the_same_points_give_the_same_bits(rule):
    points = np.random.default_rng(6).normal(size=(10, 300))
    once, again = (rule().combine(points.copy(), np.zeros(300)) for _ in range(2))
    assert once.tobytes() == again.tobytes()


@every_rule
def test_one_slave_alone(rule):
    point = np.array([1.0, -2.0])
    if rule.__name__ in ("Krum", "MultiKrum"):
        with pytest.raises(UsageError, match=r"^1 slaves in a round.* needs 3;"):
            rule().combine(point[np.newaxis], np.zeros(2))
    else:
        combined = rule().combine(point[np.newaxis].copy(), np.zeros(2))
        np.testing.assert_allclose(combined, point, rtol=1e-12)


def test_a_rule_is_not_content_with_a_sum():
    returned = Returned([np.zeros(2)], 3, 3, 3)
    with pytest.raises(FedredisError, match="single updates"):
        RULES["median"]().move(LogisticRegression(1, 2), Global([np.zeros(2)]), returned, SETTINGS)


@every_bounded_rule
@pytest.mark.parametrize(
    ("share", "k", "f"),
    # 0.29 * 100 and 0.07 * 100 are below 29 and above 7 in floating point.
    [(0.2, 10, 2), (0.29, 100, 29), (0.07, 100, 7), (0.3, 10, 3), (0.1, 9, 0), (0.0, 10, 0)],
)
def test_the_attackers_that_are_expected(rule, share, k, f):
    assert rule(byzantine=share).attackers(k) == f


@every_bounded_rule
@pytest.mark.parametrize("share", [0.5, -0.1, 1.0, float("nan")])
def test_a_share_of_attackers_that_can_not_be(rule, share):
    with pytest.raises(UsageError, match=r"byzantine must be at least 0 and below 0\.5, not"):
        rule(byzantine=share)


@given(st.integers(1, 6), st.integers(1, 40_000), st.integers(0, 99))
def test_distances(k, p, seed):
    """Also of more columns than are worked on at a time."""
    points = np.random.default_rng(seed).integers(-3, 4, (k, p)).astype(float)
    squares = square_distances(points)
    for i, j in permutations(range(k), 2):
        assert squares[i, j] == ((points[i] - points[j]) ** 2).sum()
    assert not squares.diagonal().any()
    np.testing.assert_array_equal(square_norms(points, points[0]), squares[0])
