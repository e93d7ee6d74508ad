from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis.secure.circle import Terms
from fedredis.secure.identity import Identity, Roster
from fedredis.secure.masks import digest
from fedredis.secure.party import Dealt, Pairs, Party, Slot, answers, channel_key, masks
from fedredis.secure.unmasking import Unmasking

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path

    from fedredis.secure.circle import Circle

#: Sums of a batch.
SLOTS = 3


def public(root: bytes) -> bytes:
    return channel_key(root).public_key().public_bytes_raw()


@dataclass
class World:
    """Some slaves that mask with each other, and all that a master sees of them."""

    circle: Circle
    parties: list[Party]
    dealt: list[Dealt]

    def context(self, members: Iterable[int], model: int = 0) -> bytes:
        return digest("context", model, *members)

    def masked(
        self, x: Any, members: Sequence[int], who: Collection[int], slot: Slot, model: int = 0
    ) -> Any:
        context = self.context(members, model)
        each = ([self.parties[place]] for place in who)
        drawn = [masks(one, slot, context, members, x.shape[1]) for one in each]
        return x[list(who)] + np.stack(drawn)

    def answers(
        self, members: Sequence[int], inside: Iterable[int], helpers: Iterable[int], slot: Slot
    ) -> dict[int, Any]:
        inside = frozenset(inside)
        letters = [self.dealt[m].letters for m in members]
        asked = list(helpers)
        parties, members = [self.parties[h] for h in asked], tuple(members)
        given = answers(parties, slot, SLOTS, members, inside, letters)
        return dict(zip(asked, given, strict=True))

    def unmasking(self, members: Sequence[int], inside: Iterable[int], slot: Slot) -> Unmasking:
        seals = [self.dealt[m].seals[slot.place] for m in members]
        vaults = [self.dealt[m].vaults[slot.place] for m in members]
        context = self.context(members)
        return Unmasking(self.circle, context, members, frozenset(inside), seals, vaults)


@pytest.fixture
def world(tmp_path: Path) -> Callable[[int], World]:
    return lambda count: make(tmp_path / str(count), count)


def make(folder: Path, count: int, share: float = 0.6) -> World:
    names = [f"s{place}" for place in range(count)]
    identities = {name: Identity.make(folder, name) for name in names}
    roster = Roster.of(identities.values())
    terms = Terms("run", digest("config"), tuple(names), share)
    roots = {name: digest("root", name) for name in names}
    keys = {name: public(root) for name, root in roots.items()}
    signed = {n: terms.sign(roster, identities[n], key) for n, key in keys.items()}
    circle = terms.circle(roster, keys, signed)
    pairs = Pairs(circle)
    parties = [Party(pairs, name, roots[name]) for name in names]
    return World(circle, parties, [party.deal(1, SLOTS) for party in parties])


@pytest.fixture
def five(world: Callable[[int], World]) -> World:
    return world(5)


@pytest.fixture
def x() -> Any:
    """Five slaves' integers, all 64 bits in use."""
    return np.random.default_rng(7).integers(-(2**63), 2**63, (5, 40), dtype=np.int64)
