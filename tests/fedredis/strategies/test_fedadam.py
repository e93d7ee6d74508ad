import math

import numpy as np
import pytest

from fedredis.errors import UsageError
from fedredis.strategies.fedadam import FedAdam


def test_it_goes_as_the_paper_says_element_by_element(follow, means) -> None:
    strategy = FedAdam(server_learning_rate=0.3, beta1=0.6, beta2=0.8, tau=0.05)
    moved = np.array(follow(strategy, means))
    for place in np.ndindex(3, 3):
        x, m, v = 0.0, 0.0, 0.05**2
        for number, mean in enumerate(means):
            d = float(mean[place]) - x
            m = 0.6 * m + 0.4 * d
            v = 0.8 * v + 0.2 * d * d
            x = x + 0.3 * m / (math.sqrt(v) + 0.05)
            np.testing.assert_allclose(moved[number][place], x, rtol=1e-12)


@pytest.mark.parametrize("beta2", [1.0, -0.1])
def test_beta2_has_its_range(beta2) -> None:
    with pytest.raises(UsageError, match="beta2"):
        FedAdam(beta2=beta2)
