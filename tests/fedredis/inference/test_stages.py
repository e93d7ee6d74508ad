"""Sums that no rows have end in a line, whatever a stage makes of them."""

import numpy as np
import pytest

from fedredis.arrays import Scope, Sum
from fedredis.errors import DataError
from fedredis.inference.spread import Numbers, Spread
from fedredis.inference.stages import Chain, Frame


class Odd:
    """A stage of one pass, which learns whatever a function makes of the sums."""

    def __init__(self, made, blanks=False):
        self._made, self.blanks = made, blanks

    def next_pass(self, known):
        return None if "x" in known else "step 0"

    def learn(self, name, known, total):
        return {**known, "x": self._made(total[0])}


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (np.sqrt, "its x would be no number"),
        (lambda x: x * 1e200, "its x would be no number"),
        (lambda x: np.linalg.inv(x * 0), "Singular matrix"),
        (lambda x: x[9], "out of bounds"),
        (lambda x: np.add(x, [1.0, 2.0, 3.0]), "broadcast"),
    ],
)
def test_what_can_not_be_learned_from_is_a_line(made, why):
    total = [np.diag([-1e200, -1.0])]
    with pytest.raises(DataError, match=f"sums of the pass 'step 0' go with no rows .*{why}"):
        Chain((Odd(made),)).learn("step 0", {}, total)


def test_where_a_group_has_no_rows_there_may_be_no_number():
    known = {"before": np.array(np.nan)}
    chain = Chain((Odd(lambda x: x / 0, blanks=True),))
    assert np.isnan(chain.learn("step 0", known, [np.array([0.0])])["x"]).all()
    with pytest.raises(DataError, match="its x would be no number"):
        chain.learn("step 0", known, [np.array([1.0])])


def test_ranges_that_do_not_come_to_the_rows_are_refused_on_arrival():
    spread, scope = Spread(Numbers(("x",)), Scope(2, 20)), Scope(2, 20)
    rule = Sum(tuple(part.quantity for part in spread.parts("ranges", {})), scope)
    cells, rows = spread.sums("ranges", {}, Frame({"x": np.arange(5.0)}, 5))
    one, five = np.array([1]), np.array([5])
    assert rule.reasons(one, five, [cells[np.newaxis], rows[np.newaxis]]) == [None]
    fewer, beyond = cells.copy(), cells.copy()
    fewer[0, fewer[0].argmax()] -= 1
    beyond[0, -1], beyond[0, beyond[0].argmax()] = 1, beyond[0].max() - 1
    for lie, why in (
        (fewer, "have to come to the number of rows"),
        (beyond, "is not what 5 rows"),
    ):
        (found,) = rule.reasons(one, five, [lie[np.newaxis], rows[np.newaxis]])
        assert why in found
