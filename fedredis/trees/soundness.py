"""Whether arrays from elsewhere are trees: they may be damaged, or be written by anybody."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.errors import BlobError
from fedredis.trees.losses import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Found = Mapping[str, NDArray[Any]]

#: The arrays of a node, each with its dtype.
NODES = {
    "column": "<i4",
    "cut": "<i4",
    "missing": "<i4",
    "left": "<i4",
    "value": "<f8",
    "gain": "<f8",
}


def check_trees(found: Found) -> None:
    """See that arrays by name are trees.

    Raises
    ------
    BlobError
        If one has another shape or dtype, or a node has a child or a set that can't be.
    """
    _has(found, *NODES, "sets")
    nodes, sets = found["left"].size, found["sets"]
    for name, dtype in NODES.items():
        _is(found, name, dtype, (nodes,))
    if sets.ndim != 2:
        raise BlobError(f"damaged: sets are of shape {sets.shape}")
    _is(found, "sets", "<i8", (sets.size and len(sets), sets.shape[1]))
    # All of them together have to be a number, too.
    largest = [float(np.abs(found[name]).max(initial=0)) for name in ("value", "gain")]
    if not all(math.isfinite(number * nodes) for number in largest) or (found["gain"] < 0).any():
        raise BlobError("damaged: a node has a value, or a gain, that is no number, or too large")
    least = [int(found[name].min(initial=0)) for name in ("left", "column", "cut")]
    if least[0] < 0 or least[1] < 0 or least[2] < -len(sets):
        raise BlobError("damaged: a node has what no node has")


def check_rounds(found: Found) -> None:
    """See that arrays by name are the trees of some rounds.

    Raises
    ------
    BlobError
        If they are not.
    """
    check_trees(found)
    _has(found, "start", "loss", "rounds", "depth", "chain")
    nodes, left, rounds = found["left"].size, found["left"], found["rounds"].size
    _is(found, "start", "<f8", (max(1, found["start"].size),))
    if not np.isfinite(found["start"]).all():
        raise BlobError("damaged: its start is no number")
    _is(found, "loss", "<i8", (1,))
    for name in ("rounds", "depth", "chain"):
        _is(found, name, "<i8", (rounds,))
    sizes = np.diff(np.append(found["rounds"], nodes))
    # Each by itself: a sum of numbers from elsewhere may be too large for one, and look small.
    least = min(nodes, found["start"].size)
    if ((sizes < least) | (sizes > nodes)).any() or sizes.sum() != nodes:
        raise BlobError("damaged: its rounds are not those of its trees")
    depth = found["depth"]
    if depth.min(initial=0) < 0 or (depth > sizes).any() or not 0 <= found["loss"][0] < len(NAMES):
        raise BlobError("damaged: its rounds are none")
    if (left >= np.repeat(sizes, sizes) - (left > 0)).any():
        raise BlobError("damaged: a node has a child that is not there")


def _has(found: Found, *names: str) -> None:
    if lost := [name for name in names if name not in found]:
        raise BlobError(f"damaged: there is no {lost[0]}")


def _is(found: Found, name: str, dtype: str, shape: tuple[int, ...]) -> None:
    array = found[name]
    if array.dtype != np.dtype(dtype) or array.shape != shape:
        raise BlobError(f"damaged: {name} is {array.dtype} {array.shape}, not {dtype} {shape}")
