"""Where the values of a column lie, by counting them in cells that follow their distribution.

A cell is an interval ``[edge_k, edge_k+1)``. The first count is by sign and power of two, and
needs to know nothing. Cells that hold too many rows are then divided, and neighbours that hold few
are put together, until the edges follow the quantiles: for a column of any size, spread and shape.
Cells are divided evenly in the *key* of a float64, its bits as an integer, which is in the order
of the values: evenly in x within a power of two, and in the logarithm of x across them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.errors import BoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: Values from 2 to this power on can't be learned from; below its inverse they count as 0.
MOST_POWER = 512
_POWERS = np.ldexp(
    1.0, [*range(-MOST_POWER, -64, 16), *range(-64, 64), *range(64, MOST_POWER + 1, 16)]
)
#: The edges of the first count; what lies beyond them is counted too, at either end.
MAGNITUDES = np.concatenate([-_POWERS[::-1], [0.0], _POWERS])
#: How many of the rows may be in each cell of the first count: none beyond the edges.
WITHIN = np.r_[0.0, np.ones(len(MAGNITUDES) - 1), 0.0]
#: What is said of a column with numbers that can't be learned from.
TOO_LARGE = f"it holds numbers beyond {MAGNITUDES[-1]:.0e}: divide it by a power of ten"
#: Edges that are closer together have no line between them that float64 can hold.
CLOSEST = 2.0**-1000
#: A cell with no more rows than this is not divided.
FEW_ROWS = 4
#: Cells of a column at most, as a multiple of the bins that are wished for.
MOST_CELLS = 4
#: Decimal places that values are tried to be whole numbers of.
PLACES = 5
#: What a float64's key differs from its bits in where the sign bit is set.
_MAGNITUDE_BITS = np.int64(2**63 - 1)


def magnitudes(x: NDArray[Any]) -> NDArray[np.int64]:
    """Count values x (n,) between the `MAGNITUDES`, and below and above all of them."""
    cells = np.searchsorted(MAGNITUDES, x, side="right")
    return np.bincount(cells, minlength=len(MAGNITUDES) + 1)


def inside(x: NDArray[Any], column: str) -> NDArray[np.int64]:
    """Count values x (n,) of a column between the `MAGNITUDES`, as `magnitudes` does.

    Raises
    ------
    BoundError
        If one lies beyond them.
    """
    counts = magnitudes(x)
    if counts[0] or counts[-1]:
        raise BoundError(f"column '{column}': {TOO_LARGE}")
    return counts


def places(x: NDArray[Any]) -> NDArray[np.int64]:
    """Count, for 0, 1, … decimal places, how many values x (n,) have no more (PLACES,)."""
    tens = 10.0 ** np.arange(PLACES)[:, np.newaxis]
    with np.errstate(over="ignore"):
        written = np.rint(x * tens) / tens
    same: NDArray[np.int64] = (written == x).sum(axis=1, dtype=np.int64)
    return same


def step(counts: NDArray[np.int64], rows: int) -> float:
    """Return the smallest difference of two values, given their decimal `places`; 0 if unknown."""
    whole = np.flatnonzero(counts >= rows)
    return float(10.0 ** -whole[0]) if len(whole) else 0.0


def histogram(edges: NDArray[Any], x: NDArray[Any]) -> NDArray[np.int64]:
    """Count values x (n,) in the cells of a grid (cells + 1,); the cells at the ends are open.

    A grid may be filled up at its end with repetitions of its last edge, which count nothing.
    """
    last = max(1, int(np.searchsorted(edges, edges[-1])))
    cells = np.searchsorted(edges[1:last], x, side="right")
    return np.bincount(cells, minlength=len(edges) - 1)


def stacked(grids: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Put grids of several columns together (columns, cells + 1), filled up at their ends."""
    longest = max(map(len, grids))
    return np.array([np.pad(grid, (0, longest - len(grid)), mode="edge") for grid in grids])


def with_value(edges: NDArray[Any], value: float) -> NDArray[Any]:
    """Give a value a cell of its own, if it lies in the grid: it is known that many have it."""
    own = np.array([value, np.nextafter(value, np.inf)])
    return np.union1d(edges, own) if edges[0] <= own[0] and own[1] <= edges[-1] else edges


def too_full(
    edges: NDArray[Any], counts: NDArray[np.int64], bins: int, least: float
) -> NDArray[np.bool_]:
    """Say which cells hold more than ``1 / bins`` of the rows, and perhaps different values.

    `least` is the smallest difference between two of them, if it is known.
    """
    most = max(int(counts.sum()) / bins, FEW_ROWS)
    several = np.nextafter(edges[:-1], np.inf) < edges[1:]
    wide = np.diff(edges) >= max(least, CLOSEST)
    full: NDArray[np.bool_] = (counts > most) & several & wide
    return full


def refined(
    edges: NDArray[Any], counts: NDArray[np.int64], bins: int, least: float
) -> NDArray[Any]:
    """Divide the cells that are too full, in proportion to their rows; at most 4 bins cells."""
    filled = np.flatnonzero(counts)
    edges = edges[filled[0] : filled[-1] + 2]
    counts = counts[filled[0] : filled[-1] + 1]
    if len(counts) > 2 * bins:
        edges, counts = _joined(edges, counts, max(int(counts.sum()) / bins, FEW_ROWS))
    full = too_full(edges, counts, bins, least)
    spare = MOST_CELLS * bins - len(counts) - int(full.sum())
    share = np.where(full, counts, 0) / max(1, int(counts[full].sum()))
    keys = keys_of(edges).tolist()
    divided = []
    for low, high, parts, divide in zip(keys, keys[1:], spare * share, full, strict=False):
        # Powers of two, so that numbers which are whole, or halves, become edges.
        wanted = 1 << int(max(2, parts)).bit_length() - 1 if divide else 1
        pieces = min(wanted, 1 << max(1, high - low).bit_length() - 1)
        divided += [low + (high - low) * i // pieces for i in range(pieces)]
    return values_of(np.array([*divided, keys[-1]], np.int64))


def _joined(
    edges: NDArray[Any], counts: NDArray[np.int64], most: float
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Put neighbours together that hold at most so many rows: 2 bins + 1 cells remain at most."""
    starts, held = [0], 0
    for place, rows in enumerate(counts.tolist()):
        if place and held + rows > most:
            starts.append(place)
            held = 0
        held += rows
    return edges[[*starts, len(counts)]], np.add.reduceat(counts, starts)


def keys_of(x: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return whole numbers that are in the order of the values."""
    bits = np.ascontiguousarray(x, np.float64).view(np.int64)
    return np.where(bits < 0, bits ^ _MAGNITUDE_BITS, bits)


def values_of(keys: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the values of `keys_of`."""
    return np.where(keys < 0, keys ^ _MAGNITUDE_BITS, keys).view(np.float64)
