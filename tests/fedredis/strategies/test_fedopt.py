"""Adagrad, Adam and Yogi on the server."""

import math

import numpy as np
import pytest

from fedredis.strategies.fedadagrad import FedAdagrad
from fedredis.strategies.fedadam import FedAdam
from fedredis.strategies.fedyogi import FedYogi

EACH = pytest.mark.parametrize("strategy", [FedAdagrad, FedAdam, FedYogi])


@pytest.mark.parametrize(
    ("strategy", "second"),
    [
        (FedAdagrad(0.3, 0.6, 0.05), lambda v, d: v + d * d),
        (FedAdam(0.3, 0.6, 0.05, 0.8), lambda v, d: 0.8 * v + 0.2 * d * d),
        (
            FedYogi(0.3, 0.6, 0.05, 0.8),
            lambda v, d: v - 0.2 * d * d * ((v > d * d) - (v < d * d)),
        ),
    ],
)
def test_it_goes_as_the_paper_says_element_by_element(strategy, second, follow, means):
    moved = np.array(follow(strategy, means))
    for place in np.ndindex(3, 3):
        x, m, v = 0.0, 0.0, 0.05**2
        for number, mean in enumerate(means):
            d = float(mean[place]) - x
            m = 0.6 * m + 0.4 * d
            v = second(v, d)
            x = x + 0.3 * m / (math.sqrt(v) + 0.05)
            np.testing.assert_allclose(moved[number][place], x, rtol=1e-12)


@EACH
def test_it_starts_from_no_momentum_and_the_square_of_tau(strategy, federation):
    state = strategy(tau=0.2).initial(federation.model)
    assert list(state) == ["first_moment.weights", "second_moment.weights"]
    first, second = state.values()
    np.testing.assert_array_equal(first, np.zeros((3, 3)))
    np.testing.assert_array_equal(second, np.full((3, 3), 0.2**2))


@EACH
def test_the_first_step_is_as_long_however_far_the_mean_is(strategy, follow):
    """Far beyond tau, Adagrad's first step is the rate; Adam's and Yogi's are longer by
    ``(1 - beta1) / sqrt(1 - beta2)``, since their moments begin near 0 and are not corrected.
    """
    pull = np.array([[0.0, 1.0, 2.0], [10.0, 1e3, 1e5], [-1.0, -1e3, -1e5]])
    (moved,) = follow(strategy(server_learning_rate=0.5, beta1=0.6, tau=1e-9), [pull])
    longer = {FedAdagrad: 1.0, FedAdam: 10.0, FedYogi: 10.0}[strategy]
    np.testing.assert_allclose(moved, 0.5 * 0.4 * longer * np.sign(pull), rtol=1e-6)


def test_a_small_move_does_not_wipe_out_a_large_one_for_yogi():
    """From v = 1 a move of d^2 = 0.01 takes Adam to 0.802, and Yogi to 0.998 only."""
    v, square = np.array([1.0]), np.array([0.01])
    np.testing.assert_allclose(FedAdam(beta2=0.8).second_moment(v, square), 0.802)
    np.testing.assert_allclose(FedYogi(beta2=0.8).second_moment(v, square), 0.998)
