import math

import numpy as np
import pytest

from fedredis.errors import UsageError
from fedredis.strategies.fedadam import FedAdam
from fedredis.strategies.fedyogi import FedYogi


def test_it_goes_as_the_paper_says_element_by_element(follow, means) -> None:
    strategy = FedYogi(server_learning_rate=0.3, beta1=0.6, beta2=0.8, tau=0.05)
    moved = np.array(follow(strategy, means))
    for place in np.ndindex(3, 3):
        x, m, v = 0.0, 0.0, 0.05**2
        for number, mean in enumerate(means):
            d = float(mean[place]) - x
            m = 0.6 * m + 0.4 * d
            v = v - 0.2 * d * d * ((v > d * d) - (v < d * d))
            x = x + 0.3 * m / (math.sqrt(v) + 0.05)
            np.testing.assert_allclose(moved[number][place], x, rtol=1e-12)


def test_a_small_move_does_not_wipe_out_a_large_one() -> None:
    """From v = 1 a move of d^2 = 0.01 takes Adam to 0.802, and Yogi to 0.998 only."""
    v, square = np.array([1.0]), np.array([0.01])
    np.testing.assert_allclose(FedAdam(beta2=0.8).second_moment(v, square), 0.802)
    np.testing.assert_allclose(FedYogi(beta2=0.8).second_moment(v, square), 0.998)


def test_beta2_has_its_range() -> None:
    with pytest.raises(UsageError, match="beta2"):
        FedYogi(beta2=1.0)
