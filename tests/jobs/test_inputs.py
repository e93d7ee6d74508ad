from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis.data.own import OWN, OwnRows
from fedredis.data.partition import Partition, open_partition
from fedredis.data.reading import Reading
from fedredis.errors import DataError
from fedredis.exchanges.stacks import stacked
from fedredis.jobs import inputs
from fedredis.jobs.inputs import Folder, Inputs

if TYPE_CHECKING:
    from pathlib import Path

    from fedredis.data.manifest import Manifest


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list of the slaves whose files have been opened."""
    ids: list[int] = []

    def noting(directory: Path, slave: int, manifest: Manifest) -> Any:
        ids.append(slave)
        return open_partition(directory, slave, manifest)

    monkeypatch.setattr(inputs, "open_partition", noting)
    return ids


def test_a_partition_is_opened_and_mapped_once(folder, manifest, opened, make_config):
    held, config = Inputs(Folder(folder, manifest)), make_config()
    assert opened == []
    expected = open_partition(folder, 2)
    mapped = []

    def prepare():
        mapped.append(1)
        return held.conformed("2", config)

    for scope in (("r1", "v1"), ("r1", "v1"), ("r1", "v2"), ("r2", "v1"), ("r1", "v1")):
        rows = held.mapped("2", scope, prepare)
        np.testing.assert_array_equal(rows.train_X, expected.train_X)
    assert (opened, len(mapped)) == ([2], 3)
    # What was made for other runs is let go of, the rows themselves are not.
    held.forget_other_runs("r1")
    for scope in (("r1", "v1"), ("r2", "v1")):
        held.mapped("2", scope, prepare)
    assert (opened, len(mapped)) == ([2], 4)


def test_stacks_are_put_together_once(folder, manifest):
    held, made = Inputs(Folder(folder, manifest)), list[int]()

    def make(*slaves):
        made.append(len(slaves))
        return stacked({str(s): open_partition(folder, s) for s in slaves}, "test")

    def ask(run, *slaves):
        scope = (run, "v1", "test", " ".join(map(str, slaves)))
        return held.stacks(scope, lambda: make(*slaves))

    assert ask("r1", 0, 1) is ask("r1", 0, 1)
    assert ask("r2", 0, 1) is not ask("r1", 0, 1) is not ask("r1", 0)
    assert made == [2, 2, 1]
    held.forget_other_runs("r1")
    ask("r1", 0, 1)
    ask("r2", 0, 1)
    assert made == [2, 2, 1, 2]
    held.forget_runs()
    ask("r1", 0)
    assert made == [2, 2, 1, 2, 1]


def test_memory_is_bounded(folder, manifest, opened, make_config):
    held, config = Inputs(Folder(folder, manifest), memory=1), make_config()
    for slave in ("0", "1", "0", "0"):
        held.conformed(slave, config)
    assert opened == [0, 1, 0]


def test_a_partition_that_is_missing(folder, manifest, make_config):
    (folder / "slave-3.npy").unlink()
    with pytest.raises(DataError, match=r"slave-3\.npy: there is no such file"):
        Inputs(Folder(folder, manifest)).conformed("3", make_config())


def test_whose_files_are_in_a_folder(folder, manifest):
    assert Folder(folder, manifest).slaves is None
    (folder / "slave-1.npy").unlink()
    assert Folder(folder, manifest).slaves == ("0", "2", "3")


def test_the_rows_of_an_own_file_are_put_into_the_run(manifest, make_config):
    own = replace(manifest, cut=OWN, columns=manifest.columns[::-1], classes=("cat", "eel"))
    part = Partition(
        np.array([[15.0, 120], [25, 100]]), np.array([0, 1]), np.array([[5.0, 80]]), np.array([1])
    )
    held, config = Inputs(OwnRows("ann", own, part)), make_config(reading=Reading(label="kind"))
    rows = held.conformed("ann", config)
    np.testing.assert_array_equal(rows.train_X, [[120, 15], [100, 25]])
    np.testing.assert_array_equal(rows.train_y, [0, 2])
    with pytest.raises(DataError, match="'eel' is none of the run's cat, dog"):
        held.conformed("ann", replace(config, classes=("cat", "dog")))
    # One who comes back with another file is told so, and nothing is learnt from it.
    began = {"names": ("ann", "bob", "cy"), "slaves": 3}
    with pytest.raises(DataError, match="ann holds other rows than when the run began"):
        held.conformed("ann", replace(config, **began, contents=("01", "02", "03")))
    own = replace(own, content="01")
    held = Inputs(OwnRows("ann", own, part))
    assert held.conformed("ann", replace(config, **began, contents=("01", "02", "03")))
