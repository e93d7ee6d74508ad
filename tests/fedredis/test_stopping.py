from __future__ import annotations

import pytest

from fedredis.stopping import best_round, out_of_patience


def test_the_best_round_is_the_earliest_of_the_best() -> None:
    assert best_round({}) is None
    assert best_round({3: 0.6, 1: 0.5, 4: 0.6, 2: 0.6}) == 2


@pytest.mark.parametrize(
    ("patience", "upto", "stops"),
    [(0, 9, False), (2, 3, False), (2, 4, True), (3, 4, False), (3, 5, True), (1, 3, True)],
)
def test_patience_ends_so_many_rounds_after_the_best(
    patience: int, upto: int, stops: bool
) -> None:
    # Round 7, which may or may not be known by now, makes no difference to round 5.
    scores = {1: 0.4, 2: 0.6, 3: 0.5, 4: 0.6, 5: 0.59, 7: 0.9}
    assert out_of_patience(scores, patience, upto) is stops


def test_without_a_score_nothing_stops() -> None:
    assert not out_of_patience({}, 1, 5)
