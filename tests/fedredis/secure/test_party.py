from __future__ import annotations

from itertools import chain, combinations, product
from typing import Any

import numpy as np
import pytest

from fedredis.errors import RoundFailedError, RuleError
from fedredis.secure.masks import seeds_of, words
from fedredis.secure.party import Pairs, Party, Slot, answers, masks

SLOT, ALL, NONE = Slot(1, 1), range(5), seeds_of(b"")


def subsets(of: Any, least: int) -> Any:
    each = list(of)
    return chain.from_iterable(combinations(each, k) for k in range(least, len(each) + 1))


def test_every_pattern_of_drop_outs_gives_the_plain_sum_or_fails(five, x):
    """At each stage: who deals, who of these sends, who of these helps."""
    enough = five.circle.helpers
    for members in subsets(ALL, 3):
        y = dict(zip(members, five.masked(x, members, members, SLOT), strict=True))
        for inside in subsets(members, 2):
            sent, unmasking = sum(y[p] for p in inside), five.unmasking(members, inside, SLOT)
            answers = five.answers(members, inside, members, SLOT)
            for helpers in subsets(members, 2):
                given = {place: answers[place] for place in helpers}
                if len(helpers) >= enough:
                    plain = np.add.reduce(x[list(inside)])
                    np.testing.assert_array_equal(unmasking.total(sent, given), plain)
                else:
                    few = f"2 slaves help to unmask slave s{members[0]}, 3 are needed"
                    with pytest.raises(RoundFailedError, match=few):
                        unmasking.total(sent, given)


def test_masks_of_all_come_to_nothing_but_their_own(five):
    zeros = np.zeros((5, 9), np.int64)
    unmasking = five.unmasking(ALL, ALL, SLOT)
    sent = np.add.reduce(five.masked(zeros, ALL, ALL, SLOT))
    assert sent.all()
    assert not unmasking.total(sent, five.answers(ALL, ALL, ALL, SLOT)).any()


def test_slaves_may_be_masked_together_or_apart(five, x):
    each = five.masked(x, ALL, ALL, SLOT)
    for some in subsets(ALL, 2):
        parties = [five.parties[place] for place in some]
        together = masks(parties, SLOT, five.context(ALL), ALL, x.shape[1])
        apart = np.add.reduce(each[list(some)] - x[list(some)])
        np.testing.assert_array_equal(together, apart)


def test_no_word_comes_twice(five, x):
    """The same input in two rounds, for two models, among other members: nothing in common."""
    others = [
        five.masked(x, ALL, ALL, Slot(1, 2)),
        five.masked(x, ALL, ALL, Slot(2, 1)),
        five.masked(x, ALL, ALL, SLOT, model=1),
        five.masked(x, (0, 1, 2, 3, 4)[:4], (0, 1, 2, 3), SLOT),
    ]
    first = five.masked(x, ALL, ALL, SLOT)
    for other in others:
        assert not (other == first[: len(other)]).any()


def test_neither_part_of_a_mask_comes_twice(five):
    """A slave's own words are taken off in the end; those with others alone must hide it, too."""
    sums = [(SLOT, 0), (Slot(1, 2), 0), (Slot(2, 1), 0), (SLOT, 1)]
    own, pairs = [], []
    for slot, model in sums:
        context = five.context(ALL, model)
        own.append(words(five.parties[2].own(slot), NONE, context, 40))
        pairs.append(masks([five.parties[2]], slot, context, ALL, 40) - own[-1])
    for drawn in (own, pairs):
        assert len(np.unique(drawn)) == 40 * len(sums)


@pytest.mark.parametrize("fill", [0, 1, -1, 2**62, "ramp"])
def test_a_masked_vector_looks_drawn_whatever_it_holds(five, fill):
    count = 8192
    x = np.zeros((5, count), np.int64) + (np.arange(count) if fill == "ramp" else fill)
    masked = five.masked(x, ALL, [2], SLOT)[0]
    seen = np.bincount(masked.view(np.uint8), minlength=256)
    expected = 8 * count / 256
    # 255 degrees of freedom: 1e-6 of all draws lie above 374.
    assert ((seen - expected) ** 2 / expected).sum() < 374


def test_a_wrong_share_is_found_out_and_done_without(five, x):
    sent = np.add.reduce(five.masked(x, ALL, (0, 1, 3), SLOT))
    answers = five.answers(ALL, (0, 1, 3), ALL, SLOT)
    answers[0] = answers[0] ^ 1
    unmasking = five.unmasking(ALL, (0, 1, 3), SLOT)
    np.testing.assert_array_equal(unmasking.total(sent, answers), np.add.reduce(x[[0, 1, 3]]))
    few = {place: answers[place] for place in (0, 1, 2)}
    with pytest.raises(RoundFailedError, match="don't make its secret: one is wrong"):
        unmasking.total(sent, few)


def test_a_wrong_letter_is_no_share(five):
    letters = [five.dealt[m].letters for m in ALL]
    letters[2] = letters[2] ^ 1
    (found,) = answers([five.parties[3]], SLOT, 3, tuple(ALL), frozenset(ALL), letters)
    assert [row.any() for row in found] == [True, True, False, True, True]


def test_as_many_shares_as_say_nothing_are_not_sent(five):
    """Three of five make a secret: the first two draw theirs, and read no letter at all."""
    assert {len(one.letters) for one in five.dealt} == {3}
    nothing = [np.zeros_like(one.letters) for one in five.dealt]
    given = answers(five.parties, SLOT, 3, tuple(ALL), frozenset(ALL), nothing)
    for place, found in enumerate(given):
        assert {row.any() for row in found} == {place < 2}


def test_what_is_given_away_opens_no_other_sum(five, x):
    """Nor is a slave's own b given away with its k."""
    own = five.answers(ALL, (0, 1, 2), ALL, SLOT)
    other = five.answers(ALL, (0, 1, 2), ALL, Slot(1, 2))
    for place in ALL:
        assert not (own[place] == other[place]).any()
    sent = np.add.reduce(five.masked(x, ALL, (0, 1, 2), Slot(1, 2)))
    with pytest.raises(RoundFailedError, match="one is wrong"):
        five.unmasking(ALL, (0, 1, 2), Slot(1, 2)).total(sent, own)


def test_no_share_comes_twice(five):
    """Whoever deals, to whom, of which secret, in which batch: one tells of no other."""
    found = []
    for batch in (1, 2):
        letters = [party.deal(batch, 3).letters for party in five.parties]
        for place, inside in product(range(3), (ALL, ())):
            slot, every = Slot(batch, place), (3, tuple(ALL), frozenset(inside), letters)
            given = answers(five.parties, slot, *every)
            found += [share.tobytes() for share in given.reshape(25, -1)]
    assert len(set(found)) == len(found) == 5 * 5 * 2 * 3 * 2


def test_a_party_knows_its_own_key(five):
    with pytest.raises(RuleError, match=r"'signatures'.*s1 is not its own"):
        Party(Pairs(five.circle), "s1", bytes(32))


def test_many_slaves_mask_with_some_of_them(world):
    """A tenth deals and never sends; others send, and do not help."""
    many = world(130)
    assert many.circle.drawn
    assert {len(near) for near in many.circle.near} == {61}
    for place, near in enumerate(many.circle.near):
        assert all(place in many.circle.near[other] for other in near.tolist())
    members = range(130)
    x = np.random.default_rng(1).integers(-(2**63), 2**63, (130, 5), dtype=np.int64)
    inside, helpers = range(13, 130), range(20, 125)
    sent = np.add.reduce(many.masked(x, members, inside, SLOT))
    answers = many.answers(members, inside, helpers, SLOT)
    total = many.unmasking(members, inside, SLOT).total(sent, answers)
    np.testing.assert_array_equal(total, np.add.reduce(x[13:]))
