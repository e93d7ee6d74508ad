from __future__ import annotations

import pytest

from fedredis.exchanges.patience import best_round, out_of_patience


@pytest.mark.parametrize(
    ("scores", "best"),
    [({}, None), ({1: 0.5, 2: 0.7, 3: 0.7}, 2), ({1: None, 2: 0.1}, 2), ({1: None}, None)],
)
def test_best_round(scores, best):
    assert best_round(scores) == best


def test_patience_counts_rounds_since_the_best():
    scores = {1: 0.5, 2: 0.6, 3: 0.6, 4: 0.5}
    assert out_of_patience(scores, 2, 4)
    assert not out_of_patience(scores, 3, 4)
    assert not out_of_patience(scores, 0, 4)
    assert not out_of_patience({1: None, 2: None}, 1, 2)
