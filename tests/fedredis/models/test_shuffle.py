"""Passes over rows, made when they are asked for or ahead: the same bits."""

from __future__ import annotations

from itertools import chain, islice

import numpy as np
import pytest

from fedredis.models.shuffle import Draws, passes

RNG = np.random.default_rng(0)
X, Y, W = RNG.normal(size=(3, 9, 2)), RNG.integers(0, 2, (3, 9)), RNG.random((3, 9))


def rngs() -> list[np.random.Generator]:
    return [np.random.default_rng(i) for i in range(3)]


def gone_through(draws, count=2, X=X, w=W):
    return [
        [None if array is None else array.copy() for array in rows]
        for rows in islice(passes(X, Y, w, draws), count)
    ]


def same(one, other):
    pairs = zip(chain(*one), chain(*other), strict=True)
    return all(np.array_equal(a, b) if a is not None else b is None for a, b in pairs)


def test_each_slave_has_an_order_of_its_own():
    first, second = gone_through(rngs())
    for k, rng in enumerate(rngs()):
        order = np.arange(9)
        for rows in (first, second):
            order[:] = range(9)
            rng.shuffle(order)
            for found, of in zip(rows, (X, Y, W), strict=True):
                np.testing.assert_array_equal(found[k], of[k][order])


@pytest.mark.parametrize("w", [W, None])
def test_what_is_made_ahead_has_the_same_bits(w):
    plain = rngs()
    expected = gone_through(plain, w=w)
    draws = Draws(rngs)
    draws.get_ahead(X, Y, w)
    assert not draws.shuffled
    assert same(gone_through(draws, w=w), expected)
    assert draws.shuffled
    # And they go on where those do.
    assert same(gone_through(draws, w=w), gone_through(plain, w=w))
    assert [rng.random() for rng in draws] == [rng.random() for rng in plain]


def test_what_was_made_ahead_of_other_rows_was_never_drawn():
    draws = Draws(rngs)
    draws.get_ahead(X.copy(), Y, W)
    assert same(gone_through(draws), gone_through(rngs()))


def test_generators_are_new_to_who_shuffles_nothing():
    draws = Draws(rngs)
    draws.get_ahead(X, Y, W)
    assert len(draws) == 3
    assert [rng.random() for rng in draws] == [rng.random() for rng in rngs()]
    assert not draws.shuffled
