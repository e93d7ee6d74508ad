from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis.data.partition import open_partition
from fedredis.errors import DataError
from fedredis.features import Plain
from fedredis.jobs import inputs
from fedredis.jobs.inputs import Inputs

if TYPE_CHECKING:
    from pathlib import Path

    from fedredis.data.manifest import Manifest

KNOWN = {"mean": np.array([100.0, 15.0]), "scale": np.array([20.0, 10.0])}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list of the slaves whose files have been opened."""
    ids: list[int] = []

    def noting(directory: Path, slave: int, manifest: Manifest) -> Any:
        ids.append(slave)
        return open_partition(directory, slave, manifest)

    monkeypatch.setattr(inputs, "open_partition", noting)
    return ids


class Counting(Plain):
    """Plain features that count how many rows they have mapped."""

    rows = 0

    def transform(self, known: Any, X: Any) -> Any:
        type(self).rows += len(X)
        return super().transform(known, X)


def test_only_the_partition_that_is_asked_for_is_opened(
    folder: Path, manifest: Manifest, opened: list[int]
) -> None:
    held = Inputs(folder, manifest)
    assert opened == []
    expected = open_partition(folder, 2)
    for _ in range(3):
        np.testing.assert_array_equal(held.raw("2").train_X, expected.train_X)
    assert opened == [2]


def test_rows_are_mapped_once_a_scope(
    folder: Path, manifest: Manifest, opened: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Counting, "rows", 0)
    held, features = Inputs(folder, manifest), Counting(manifest.columns)
    raw = held.raw("1")
    rows = len(raw.train_X) + len(raw.test_X)
    for _ in range(3):
        mapped = held.mapped("1", ("r1", "preprocessing:1"), features, KNOWN)
    assert Counting.rows == rows
    np.testing.assert_array_equal(mapped.train_X, (raw.train_X - [100, 15]) / [20, 10])
    np.testing.assert_array_equal(mapped.test_X, (raw.test_X - [100, 15]) / [20, 10])
    np.testing.assert_array_equal(mapped.test_y, raw.test_y)
    other = {**KNOWN, "mean": np.zeros(2)}
    again = held.mapped("1", ("r2", "preprocessing:1"), features, other)
    assert Counting.rows == 2 * rows
    np.testing.assert_array_equal(again.train_X, raw.train_X / [20, 10])
    assert opened == [1]


def test_memory_is_bounded(folder: Path, manifest: Manifest, opened: list[int]) -> None:
    held = Inputs(folder, manifest, memory=1)
    for slave in ("0", "1", "0", "0"):
        held.raw(slave)
    assert opened == [0, 1, 0]


def test_a_partition_that_is_missing(folder: Path, manifest: Manifest) -> None:
    (folder / "slave-3.npy").unlink()
    with pytest.raises(DataError, match=r"slave-3\.npy: there is no such file"):
        Inputs(folder, manifest).raw("3")
