import math

import numpy as np

from fedredis.strategies.fedadagrad import FedAdagrad


def test_it_goes_as_the_paper_says_element_by_element(follow, means) -> None:
    strategy = FedAdagrad(server_learning_rate=0.3, beta1=0.6, tau=0.05)
    moved = np.array(follow(strategy, means))
    for place in np.ndindex(3, 3):
        x, m, v = 0.0, 0.0, 0.05**2
        for number, mean in enumerate(means):
            d = float(mean[place]) - x
            m = 0.6 * m + 0.4 * d
            v = v + d * d
            x = x + 0.3 * m / (math.sqrt(v) + 0.05)
            np.testing.assert_allclose(moved[number][place], x, rtol=1e-12)
