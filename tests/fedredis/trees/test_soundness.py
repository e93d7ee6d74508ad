from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest

from fedredis.errors import BlobError
from fedredis.trees.soundness import NODES, check_rounds


def stump() -> dict[str, np.ndarray]:
    """One tree of one split."""
    nodes = {name: np.zeros(3, dtype) for name, dtype in NODES.items()}
    nodes["left"][0], nodes["gain"][0], nodes["value"][1:] = 1, 2.0, (-0.5, 0.5)
    rounds = {"rounds": [0], "depth": [1], "chain": [0], "loss": [0]}
    whole = {name: np.array(value, np.int64) for name, value in rounds.items()}
    return {**nodes, **whole, "sets": np.zeros((0, 1), np.int64), "start": np.zeros(1)}


def test_a_tree_is_one():
    check_rounds(stump())


@pytest.mark.parametrize("name", sorted(stump()))
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (2, 3, 2), (0, 3), (3, 0)])
def test_arrays_of_whatever_shape_are_trees_or_a_line(name, shape):
    found = stump()
    found[name] = np.resize(found[name], shape)
    if found[name].shape != stump()[name].shape:
        with suppress(BlobError):
            check_rounds(found)


@pytest.mark.parametrize("left", [2, 3, 2**31 - 1])
def test_a_child_that_is_not_there(left):
    found = stump()
    found["left"][0] = left
    with pytest.raises(BlobError, match="a child that is not there"):
        check_rounds(found)


def test_rounds_whose_sizes_come_to_the_number_of_nodes_by_a_wrap():
    found = stump()
    found["rounds"] = np.array([0, 2**62, -(2**63), -(2**62)])
    for name in ("depth", "chain"):
        found[name] = np.zeros(4, np.int64)
    with pytest.raises(BlobError, match="its rounds are not those of its trees"):
        check_rounds(found)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        *((name, number) for name in ("gain", "value", "start") for number in (np.nan, np.inf)),
        *(("gain", -1.0), ("gain", 1e308), ("value", 1e308)),
    ],
)
def test_numbers_that_no_tree_has(name, number):
    found = stump()
    found[name][0] = number
    with pytest.raises(BlobError, match="no number"):
        check_rounds(found)
