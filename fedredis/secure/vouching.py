"""Tags by which slaves vouch to each other for what they mask.

A master could tell each of them something else of who masks. So each vouches to every other for
what it was told, by a tag that only the two can make. Tags are added up as words are; who helps to
unmask a sum looks whether they come to those of all in it. Katz and Lindell, "Aggregate Message
Authentication Codes", CT-RSA 2008.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fedredis.secure.masks import BLOCK, drawn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fedredis.secure.party import Party

    Words = NDArray[np.int64]


def vouched(parties: Sequence[Party], context: bytes) -> Words:
    """Add up the tags that some parties have for each place (places, BLOCK), their own among them.

    All others must be neighbours. They say that a party masks in this context.
    """
    tags, places = _tags(parties, context)
    ours = np.arange(tags.shape[1]) < places
    total: Words = np.add.reduce(np.where(ours[..., np.newaxis], tags[:, :, 1], tags[:, :, 0]))
    return total


def expected(parties: Sequence[Party], context: bytes, inside: frozenset[int]) -> Words:
    """Return what the tags of all in a sum come to, for each of some parties (parties, BLOCK)."""
    tags, places = _tags(parties, context)
    there = np.array(sorted(inside))
    theirs = (there > places)[..., np.newaxis]
    chosen = np.where(theirs, tags[:, there, 1], tags[:, there, 0])
    total: Words = np.add.reduce(chosen, axis=1)
    return total


def _tags(parties: Sequence[Party], context: bytes) -> tuple[Words, NDArray[np.int64]]:
    """Draw both tags of parties with each place (parties, places, 2, BLOCK): the lower's first.

    Return also the parties' own places (parties, 1).
    """
    seeds = np.concatenate([party.tags for party in parties])
    words = drawn(seeds, b"tags" + context, 2 * BLOCK).view(np.int64)
    places = np.array([party.place for party in parties])[:, np.newaxis]
    return words.reshape(len(parties), -1, 2, BLOCK), places
