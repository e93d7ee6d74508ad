"""The peers, what each needs, and how many rounds of it are worth waiting for."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Peer:
    """One column of the comparison."""

    name: str
    #: In this package, to be run with ``python -m``.
    module: str
    #: How a person would call it, in the table.
    title: str
    #: Packages to be imported, without which it is left out.
    needs: tuple[str, ...]
    #: Rounds to measure, the warm-up among them, by number of slaves; a missing number of slaves
    #: is left out.
    rounds: Mapping[int, int]

    @property
    def missing(self) -> list[str]:
        """Name the packages that are not installed."""
        return [name for name in self.needs if importlib.util.find_spec(name) is None]

    def rounds_for(self, slaves: int) -> int | None:
        """Choose the rounds for a number of slaves: those of the next size above."""
        sizes = [size for size in sorted(self.rounds) if size >= slaves]
        return self.rounds[sizes[0]] if sizes else None


#: For what takes little time.
FAST = {10: 20, 70: 20, 1000: 8, 10_000: 5}
FLOOR = Peer("floor", "floor", "NumPy loop, 1 thread", (), FAST)
STACKED = Peer("floor-stacked", "floor_stacked", "NumPy loop, stacked", (), FAST)
FEDREDIS = Peer("fedredis", "fedredis_itself", "fedredis", (), FAST)

PEERS = (
    FLOOR,
    STACKED,
    FEDREDIS,
    Peer(
        "flower-simulation",
        "flower_simulation",
        "Flower, simulated",
        ("flwr", "ray"),
        {10: 10, 70: 6, 1000: 3},
    ),
)
