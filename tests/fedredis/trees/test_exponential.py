import numpy as np
import pytest

from fedredis.trees.exponential import MOST, exp


def test_it_is_the_exponential():
    x = np.concatenate([np.linspace(-MOST, MOST, 9973), np.linspace(-1, 1, 101), [0.0]])
    assert exp(x) == pytest.approx(np.exp(x), rel=2e-14, abs=0)
    assert exp(np.zeros(1)) == 1
    assert exp(np.array([-1e9, 1e9])) == pytest.approx(np.exp([-MOST, MOST]))


def test_a_number_has_the_same_bits_wherever_it_stands():
    x = np.random.default_rng(0).normal(size=(3, 1001)) * 5
    whole = exp(x)
    assert (exp(x[:, ::3]) == whole[:, ::3]).all()
    assert (exp(x.T) == whole.T).all()
    assert [float(exp(np.array([v]))[0]) for v in x[0, :50]] == whole[0, :50].tolist()
