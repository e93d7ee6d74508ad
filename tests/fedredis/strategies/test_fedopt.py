import numpy as np
import pytest

from fedredis.errors import UsageError
from fedredis.strategies.fedadagrad import FedAdagrad
from fedredis.strategies.fedadam import FedAdam
from fedredis.strategies.fedyogi import FedYogi

EACH = pytest.mark.parametrize("strategy", [FedAdagrad, FedAdam, FedYogi])


@EACH
def test_it_starts_from_no_momentum_and_the_square_of_tau(strategy, federation) -> None:
    state = strategy(tau=0.2).initial(federation.model)
    assert list(state) == ["first_moment.weights", "second_moment.weights"]
    first, second = state.values()
    np.testing.assert_array_equal(first, np.zeros((3, 3)))
    np.testing.assert_array_equal(second, np.full((3, 3), 0.2**2))


@EACH
def test_the_first_step_is_as_long_however_far_the_mean_is(strategy, follow) -> None:
    """Far beyond tau, Adagrad's first step is the rate; Adam's and Yogi's are longer by
    ``(1 - beta1) / sqrt(1 - beta2)``, since their moments begin near 0 and are not corrected.
    """
    pull = np.array([[0.0, 1.0, 2.0], [10.0, 1e3, 1e5], [-1.0, -1e3, -1e5]])
    (moved,) = follow(strategy(server_learning_rate=0.5, beta1=0.6, tau=1e-9), [pull])
    longer = {FedAdagrad: 1.0, FedAdam: 10.0, FedYogi: 10.0}[strategy]
    np.testing.assert_allclose(moved, 0.5 * 0.4 * longer * np.sign(pull), rtol=1e-6)


@EACH
@pytest.mark.parametrize(
    "options", [{"server_learning_rate": 0.0}, {"beta1": 1.0}, {"beta1": -0.1}, {"tau": 0.0}]
)
def test_an_option_out_of_its_range_is_named(strategy, options) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        strategy(**options)
