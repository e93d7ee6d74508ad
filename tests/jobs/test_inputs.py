from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis.data.own import OWN, OwnRows
from fedredis.data.partition import Partition, open_partition
from fedredis.errors import DataError
from fedredis.features import Plain
from fedredis.jobs import inputs
from fedredis.jobs.inputs import Folder, Inputs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fedredis.config import RunConfig
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
    held = Inputs(Folder(folder, manifest))
    assert opened == []
    expected = open_partition(folder, 2)
    for _ in range(3):
        np.testing.assert_array_equal(held.raw("2").train_X, expected.train_X)
    assert opened == [2]


def test_rows_are_mapped_once_a_scope(
    folder: Path,
    manifest: Manifest,
    opened: list[int],
    make_config: Callable[..., RunConfig],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Counting, "rows", 0)
    held, features = Inputs(Folder(folder, manifest)), Counting(manifest.columns)
    raw, config = held.raw("1"), make_config()
    rows = len(raw.train_X) + len(raw.test_X)
    for _ in range(3):
        mapped = held.mapped("1", config, ("r1", "preprocessing:1"), features, KNOWN)
    assert Counting.rows == rows
    np.testing.assert_array_equal(mapped.train_X, (raw.train_X - [100, 15]) / [20, 10])
    np.testing.assert_array_equal(mapped.test_X, (raw.test_X - [100, 15]) / [20, 10])
    np.testing.assert_array_equal(mapped.test_y, raw.test_y)
    other = {**KNOWN, "mean": np.zeros(2)}
    again = held.mapped("1", config, ("r2", "preprocessing:1"), features, other)
    assert Counting.rows == 2 * rows
    np.testing.assert_array_equal(again.train_X, raw.train_X / [20, 10])
    assert opened == [1]


def test_memory_is_bounded(folder: Path, manifest: Manifest, opened: list[int]) -> None:
    held = Inputs(Folder(folder, manifest), memory=1)
    for slave in ("0", "1", "0", "0"):
        held.raw(slave)
    assert opened == [0, 1, 0]


def test_a_partition_that_is_missing(folder: Path, manifest: Manifest) -> None:
    (folder / "slave-3.npy").unlink()
    with pytest.raises(DataError, match=r"slave-3\.npy: there is no such file"):
        Inputs(Folder(folder, manifest)).raw("3")


def test_whose_files_are_in_a_folder(folder: Path, manifest: Manifest) -> None:
    assert Folder(folder, manifest).slaves is None
    (folder / "slave-1.npy").unlink()
    assert Folder(folder, manifest).slaves == ("0", "2", "3")


def test_the_rows_of_an_own_file_are_put_into_the_run(
    manifest: Manifest, make_config: Callable[..., RunConfig]
) -> None:
    """Both as they are summed up and as they are mapped; mapped once a scope."""
    own = replace(manifest, cut=OWN, columns=manifest.columns[::-1], classes=("cat", "eel"))
    part = Partition(
        np.array([[15.0, 120], [25, 100]]), np.array([0, 1]), np.array([[5.0, 80]]), np.array([1])
    )
    held, config = Inputs(OwnRows("ann", own, part)), make_config(label="kind")
    assert held.raw("ann") is part
    rows = held.conformed("ann", config)
    np.testing.assert_array_equal(rows.train_X, [[120, 15], [100, 25]])
    np.testing.assert_array_equal(rows.train_y, [0, 2])
    scope, features = ("r1", "preprocessing:1"), Plain(config.columns)
    mapped = held.mapped("ann", config, scope, features, KNOWN)
    np.testing.assert_array_equal(mapped.train_X, [[1, 0], [0, 1]])
    np.testing.assert_array_equal(mapped.test_X, [[-1, -1]])
    np.testing.assert_array_equal(mapped.test_y, [2])
    assert held.mapped("ann", config, scope, features, KNOWN) is mapped
    with pytest.raises(DataError, match="'eel' is none of the run's cat, dog"):
        held.conformed("ann", replace(config, classes=("cat", "dog")))
