"""Labels that are numbers: what is chosen for them, and that the fit is exact."""

import numpy as np
import pandas as pd
import pytest

import fedredis
from fedredis.errors import UsageError


@pytest.fixture
def prices(folder):
    """Write 120 rows whose price is nearly linear in size and colour."""
    rng = np.random.default_rng(3)
    size, colour = rng.normal(50, 9, 120), rng.choice(["red", "blue"], 120)
    price = 3 * size + 20 * (colour == "red") + rng.normal(0, 0.1, 120)
    frame = pd.DataFrame({"size": size, "colour": colour, "price": price})
    path = folder / "prices.csv"
    frame.to_csv(path, index=False)
    return path


def test_the_fit_is_exact_and_ends_by_itself(prices, server):
    given = {"label": "price", "features": "plain", "workers": 1, "redis_url": server.url}
    outcome = fedredis.run(prices, slaves=4, l2=0.0, **given)
    config = fedredis.show(outcome.run, redis_url=server.url).state.config
    assert (config.model, config.strategy, config.classes) == ("linear", "newton", ())
    # The second round finds that the first one has solved the normal equations.
    assert outcome.rounds == 2
    assert outcome.r2 > 0.9999
    assert outcome.rmse < 0.2
    assert (outcome.accuracy, outcome.confusion) == (None, None)


def test_what_is_asked_for_is_not_replaced(prices, server):
    outcome = fedredis.run(
        prices,
        label="price",
        slaves=2,
        rounds=2,
        workers=1,
        strategy="fedavg",
        learning_rate=0.01,
        redis_url=server.url,
    )
    config = fedredis.show(outcome.run, redis_url=server.url).state.config
    assert (config.model, config.strategy) == ("linear", "fedavg")
    with pytest.raises(UsageError, match="needs classes, and the labels are numbers"):
        fedredis.run(prices, label="price", model="logistic", redis_url=server.url)
