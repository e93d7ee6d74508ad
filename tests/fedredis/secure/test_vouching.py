from __future__ import annotations

import numpy as np

from fedredis.secure.vouching import expected, vouched
from tests.fedredis.secure.test_party import ALL, subsets


def test_slaves_vouch_to_each_other_for_what_they_were_told(five):
    """A tag goes one way, for one context; those of many come to what each expects of them."""
    context, other = five.context(ALL), five.context(ALL, 1)
    tags = np.stack([vouched([party], context) for party in five.parties])
    drawn = [tags, np.stack([vouched([party], other) for party in five.parties])]
    assert len(np.unique(drawn)) == 2 * 5 * 5 * 2
    for inside in subsets(ALL, 2):
        come = np.add.reduce(tags[list(inside)])
        together = vouched([five.parties[place] for place in inside], context)
        np.testing.assert_array_equal(together, come)
        wanted = expected(five.parties, context, frozenset(inside))
        np.testing.assert_array_equal(wanted, come)
