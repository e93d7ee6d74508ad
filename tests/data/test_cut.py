import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from fedredis.data.cut import held_out_count, write_partitions
from fedredis.data.cuts.spec import Cut
from fedredis.data.manifest import read_manifest
from fedredis.data.partition import held, open_partition
from fedredis.data.reading import Reading
from fedredis.data.table import Table
from fedredis.errors import DataError, UsageError
from fedredis.features.protocol import Column


@pytest.fixture
def table() -> Table:
    """103 rows whose first cell is their number, and whose label its remainder."""
    X = np.column_stack([np.arange(103.0), np.linspace(0, 1, 103)])
    columns = (Column("number"), Column("share", 0, 1))
    return Table(
        X, np.arange(103) % 3, columns, ("a", "b", "c"), Reading(label="kind"), "Some Rows.csv"
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_folder_holds_every_row_once(tmp_path, table):
    manifest = write_partitions(table, tmp_path / "out", 10, seed=1, test_fraction=0.2)
    assert read_manifest(tmp_path / "out") == manifest
    assert (manifest.rows, manifest.slaves, manifest.seed) == (103, 10, 1)
    assert (manifest.columns, manifest.classes) == (table.columns, table.classes)
    assert manifest.each == (11, 11, 11, *[10] * 7)
    assert held(tmp_path / "out", manifest) == list(range(10))
    found = []
    for slave_id in range(10):
        part = open_partition(tmp_path / "out", slave_id)
        assert len(part.test_X) == 2
        for X, y in [(part.train_X, part.train_y), (part.test_X, part.test_y)]:
            np.testing.assert_array_equal(y, X[:, 0] % 3)
            np.testing.assert_array_equal(X, table.X[X[:, 0].astype(int)])
            found += X[:, 0].tolist()
    assert sorted(found) == list(range(103))


def test_weights_stay_with_their_rows(tmp_path, table):
    plain = write_partitions(table, tmp_path / "plain", 10, seed=1, test_fraction=0.2)
    weighed = dataclasses.replace(table, w=10 * table.X[:, 0], reading=Reading(weights="w"))
    manifest = write_partitions(weighed, tmp_path / "w", 10, seed=1, test_fraction=0.2)
    assert manifest.reading.weights == "w"
    assert manifest.dataset != plain.dataset
    for slave_id in range(10):
        part = open_partition(tmp_path / "w", slave_id)
        np.testing.assert_array_equal(part.train_w, 10 * part.train_X[:, 0])
        assert open_partition(tmp_path / "plain", slave_id).train_w is None


def test_the_held_out_rows_are_drawn(tmp_path, table):
    for seed in (1, 2):
        write_partitions(table, tmp_path / f"{seed}", 1, seed=seed, test_fraction=0.3)
    one, other = (open_partition(tmp_path / f"{seed}", 0).test_X[:, 0] for seed in (1, 2))
    assert len(one) == 31
    assert set(one) != set(other)


def test_a_share_is_taken_as_it_is_written():
    assert [held_out_count(*share[::-1]) for share in ((0.28, 25), (0.575, 100))] == [7, 58]


@pytest.mark.parametrize(
    ("fraction", "slaves", "held_out"),
    [(0.0, 1, 0), (0.2, 103, 0), (0.99, 1, 102), (0.999, 1, 102), (0.99, 50, 1)],
)
def test_a_row_is_left_to_learn_from(tmp_path, table, fraction, slaves, held_out):
    write_partitions(table, tmp_path / "out", slaves, seed=0, test_fraction=fraction)
    part = open_partition(tmp_path / "out", slaves - 1)
    assert len(part.test_X) == held_out
    assert len(part.train_X) >= 1


def test_the_same_data_has_the_same_id_and_bytes_anywhere(tmp_path, table):
    one = write_partitions(table, tmp_path / "a", 3, seed=1, test_fraction=0.2)
    write_partitions(table, tmp_path / "far" / "b", 3, seed=1, test_fraction=0.2)
    assert contents(tmp_path / "a") == contents(tmp_path / "far" / "b")
    assert one.dataset == "some-rows-3-61b37ec2"


def test_another_cut_or_other_data_has_another_id(tmp_path, table):
    changed = dataclasses.replace(table, X=np.nextafter(table.X, 999))
    renamed = dataclasses.replace(table, columns=(Column("n"), Column("share", 0, 1)))
    cuts = [
        (table, 3, 1, 0.2, Cut()),
        (table, 4, 1, 0.2, Cut()),
        (table, 3, 2, 0.2, Cut()),
        (table, 3, 1, 0.3, Cut()),
        (changed, 3, 1, 0.2, Cut()),
        (renamed, 3, 1, 0.2, Cut()),
        (table, 3, 1, 0.2, Cut("shards", 1)),
        (table, 3, 1, 0.2, Cut("shards", 2)),
    ]
    ids = {
        write_partitions(rows, tmp_path / f"{i}", slaves, seed, fraction, cut=cut).dataset
        for i, (rows, slaves, seed, fraction, cut) in enumerate(cuts)
    }
    assert len(ids) == len(cuts)


def test_a_cut_is_made_as_it_is_asked_for(tmp_path, table):
    manifest = write_partitions(table, tmp_path / "out", 3, 1, 0.2, cut=Cut("shards", 1))
    assert read_manifest(tmp_path / "out") == manifest
    assert manifest.cut == "shards:1"
    for slave_id in range(3):
        part = open_partition(tmp_path / "out", slave_id)
        labels = np.concatenate([part.train_y, part.test_y])
        assert np.bincount(labels).max() >= 34


def test_cuts_are_iid_unless_another_is_asked_for(tmp_path, table):
    manifest = write_partitions(table, tmp_path / "out", 3, 1, 0.2)
    assert manifest.cut == "iid"
    assert write_partitions(table, tmp_path / "out", 3, 1, 0.2, cut=Cut("iid")) == manifest


def test_nothing_names_the_machine(tmp_path, table):
    write_partitions(table, tmp_path / "out", 3, seed=1, test_fraction=0.2)
    assert not [text for text in contents(tmp_path / "out").values() if b"/" in text]


def test_a_folder_of_the_same_data_is_left_as_it_is_and_mended(tmp_path, table):
    out = tmp_path / "out"
    manifest = write_partitions(table, out, 3, seed=1, test_fraction=0.2)
    before, node = contents(out), (out / "slave-0.npy").stat().st_ino
    (out / "slave-1.npy").unlink()
    whole = before["slave-2.npy"]
    (out / "slave-2.npy").write_bytes(whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:])
    assert write_partitions(table, out, 3, seed=1, test_fraction=0.2) == manifest
    assert contents(out) == before
    assert (out / "slave-0.npy").stat().st_ino == node


def test_the_file_of_another_slave_or_with_another_byte_is_none_of_the_cut(tmp_path, table):
    out = tmp_path / "out"
    manifest = write_partitions(table, out, 4, seed=1, test_fraction=0.2)
    whole = contents(out)
    assert len(whole["slave-2.npy"]) == len(whole["slave-1.npy"])
    # The lowest bit of a number in the middle of the rows.
    place = 128 + 8
    bit = whole["slave-2.npy"]
    for other in (
        whole["slave-1.npy"],
        bit[:place] + bytes([bit[place] ^ 1]) + bit[place + 1 :],
    ):
        (out / "slave-2.npy").write_bytes(other)
        with pytest.raises(DataError, match=r"slave-2\.npy: its rows are not those that were cut"):
            open_partition(out, 2, manifest)
    (out / "slave-2.npy").write_bytes(whole["slave-2.npy"])
    open_partition(out, 2)


def test_a_folder_of_other_data_is_refused(tmp_path, table):
    out = tmp_path / "out"
    write_partitions(table, out, 3, seed=1, test_fraction=0.2)
    before = contents(out)
    with pytest.raises(UsageError, match=r"holds the data set some-rows-3-.*another `out`"):
        write_partitions(table, out, 4, seed=1, test_fraction=0.2)
    assert contents(out) == before


def test_what_is_not_ours_is_left_alone(tmp_path, table):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UsageError, match="holds other files: choose another `out`"):
        write_partitions(table, tmp_path, 3, seed=1, test_fraction=0.2)
    with pytest.raises(UsageError, match=r"thesis\.tex is a file: choose another `out`"):
        write_partitions(table, tmp_path / "thesis.tex", 3, seed=1, test_fraction=0.2)
    assert contents(tmp_path) == {"thesis.tex": b"mine"}


def test_an_empty_folder_is_taken(tmp_path, table):
    (tmp_path / "out").mkdir()
    manifest = write_partitions(table, tmp_path / "out", 3, seed=1, test_fraction=0.2)
    assert read_manifest(tmp_path / "out") == manifest


def test_nothing_stays_of_a_folder_that_fails(tmp_path, table, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(DataError, match="out: can't be written: No space left on device"):
        write_partitions(table, tmp_path / "out", 3, seed=1, test_fraction=0.2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("slaves", "seed", "fraction", "error", "problem"),
    [
        (0, 0, 0.2, UsageError, "at least 1"),
        (-1, 0, 0.2, UsageError, "at least 1"),
        (3, -1, 0.2, UsageError, "seed at least 0"),
        (3, 0, -0.1, UsageError, "test_fraction"),
        (3, 0, 1.0, UsageError, "test_fraction"),
        (3, 0, float("nan"), UsageError, "test_fraction"),
        (104, 0, 0.2, DataError, "104 slaves can't share 103 rows"),
    ],
)
def test_cuts_that_can_not_be_made(tmp_path, table, slaves, seed, fraction, error, problem):
    with pytest.raises(error, match=problem) as refused:
        write_partitions(table, tmp_path / "out", slaves, seed, fraction)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_can_be_moved(tmp_path, table):
    manifest = write_partitions(table, tmp_path / "out", 3, seed=1, test_fraction=0.2)
    shutil.move(tmp_path / "out", tmp_path / "moved")
    assert write_partitions(table, tmp_path / "moved", 3, 1, 0.2) == manifest
