"""A run under masks is the run without them, to the last bit, and shows nobody's part in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fedredis.errors import UsageError
from fedredis.exchanges import KINDS, Setup
from fedredis.exchanges.circles import SUMS
from fedredis.strategies import STRATEGIES

SUMMED = [name for name, strategy in STRATEGIES.items() if not strategy.single]


def test_every_kind_of_sum_has_batches() -> None:
    assert SUMS == tuple(KINDS)


@pytest.mark.parametrize("name", SUMMED)
def test_masks_change_no_bit(federation: Any, name: str) -> None:
    config = federation.config(strategy=name)
    assert federation.sha256(federation.masked(config)) == federation.sha256(config)


@pytest.mark.parametrize(
    "changes",
    [
        {"slaves": 3},
        {"slaves": 10, "features": "quadratic"},
        {"slaves": 7, "sample": 3, "rounds": 5},
        {"classes": (), "model": "linear", "strategy": "newton"},
        {"missing": "mean", "patience": 1},
        {"rounds": 18, "slaves": 3},
    ],
    ids=str,
)
@pytest.mark.parametrize("together", [256, 2])
def test_nor_do_they_with(federation: Any, changes: dict[str, Any], together: int) -> None:
    config = federation.config(**changes)
    masked = federation.sha256(federation.masked(config), together=together)
    assert masked == federation.sha256(config)


@pytest.mark.parametrize("name", sorted(set(STRATEGIES) - set(SUMMED)))
def test_what_looks_at_single_updates_is_refused(federation: Any, name: str) -> None:
    config = federation.masked(federation.config(slaves=12, strategy=name))
    with pytest.raises(UsageError, match="strategy .*which masks hide"):
        Setup(config).check()
