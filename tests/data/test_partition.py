import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fedredis.data.manifest import NAME, Manifest
from fedredis.data.partition import check_files, held, open_partition, slave_file
from fedredis.data.reading import Reading
from fedredis.errors import DataError
from fedredis.features.protocol import Column

MANIFEST = Manifest(
    dataset="pets-12-0123abcd",
    source="pets.csv",
    reading=Reading(label="kind"),
    slaves=12,
    seed=7,
    test_fraction=0.5,
    columns=(Column("size"), Column("age")),
    classes=("cat", "dog"),
    rows=24,
)

ROWS = np.array([[1.5, 2, 0, 0], [3, 4, 1, 1], [5, 6, 1, 0]])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / NAME).write_text(MANIFEST.to_json())
    np.save(tmp_path / "slave-3.npy", ROWS)
    return tmp_path


def test_what_a_slave_holds(folder):
    part = open_partition(folder, 3)
    assert part.train_X.tolist() == [[1.5, 2], [5, 6]]
    assert part.train_y.tolist() == [0, 1]
    assert part.test_X.tolist() == [[3, 4]]
    assert part.test_y.tolist() == [1]
    assert (part.train_X.dtype, part.train_y.dtype) == (np.float64, np.int64)


def test_what_rows_weigh_stands_behind_the_label(folder):
    manifest = dataclasses.replace(MANIFEST, reading=Reading(label="kind", weights="w"))
    weighed = np.insert(ROWS, 3, [0.5, 7, 0], axis=1)
    np.save(folder / "slave-3.npy", weighed)
    part = open_partition(folder, 3, manifest)
    assert part.train_w is not None
    assert (part.train_w.tolist(), part.train_y.tolist()) == ([0.5, 0], [0, 1])
    assert part.train_X.tolist() == [[1.5, 2], [5, 6]]
    for wrong in (-1.0, np.nan):
        np.save(folder / "slave-3.npy", np.insert(ROWS, 3, wrong, axis=1))
        with pytest.raises(DataError, match=r"below 0|not finite"):
            open_partition(folder, 3, manifest)


def test_no_row_need_be_held_out(folder):
    np.save(folder / "slave-0.npy", ROWS[:1])
    part = open_partition(folder, 0)
    assert (part.test_X.shape, part.test_y.shape) == ((0, 2), (0,))


def test_a_manifest_that_is_known_is_not_read_again(folder):
    (folder / NAME).unlink()
    assert len(open_partition(folder, 3, MANIFEST).train_X) == 2


def test_the_ids_whose_files_are_there(folder):
    for name in ("slave-11.npy", "slave-0.npy", "slave-12.npy", "slave-x.npy", "slave-5.npy.bak"):
        (folder / name).touch()
    assert held(folder, MANIFEST) == [0, 3, 11]


def changed(row: int, column: int, value: float) -> np.ndarray:
    rows = ROWS.copy()
    rows[row, column] = value
    return rows


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        pytest.param(ROWS[:, :3], r"\(3, 3\), not float64 \(n, 4\)", id="width"),
        pytest.param(ROWS[0], r"\(4,\)", id="one row"),
        pytest.param(ROWS.astype("f4"), "float32", id="type"),
        pytest.param(ROWS.astype(object), "object", id="objects"),
        pytest.param(changed(0, 0, np.nan), "not finite", id="NaN"),
        pytest.param(changed(0, 2, 2), "label", id="label"),
        pytest.param(changed(0, 2, 0.5), "label", id="half a label"),
        pytest.param(changed(0, 3, 2), "held out", id="held out"),
        pytest.param(ROWS[1:2], "no row to learn from", id="nothing to learn from"),
        pytest.param(ROWS[:0], "no row to learn from", id="empty"),
    ],
)
def test_a_damaged_array(folder, rows, problem):
    np.save(folder / "slave-3.npy", rows, allow_pickle=True)
    with pytest.raises(DataError, match=f"the file is damaged: .*{problem}") as refused:
        open_partition(folder, 3)
    assert refused.value.file == slave_file(folder, 3)


MIXED = dataclasses.replace(
    MANIFEST,
    columns=(Column("size"), Column("colour", kind="category")),
    reading=Reading(missing="mean"),
)


def test_missing_cells_and_digests(folder):
    rows = np.array([[np.nan, 2.0**53 - 1, 0, 0], [3, np.nan, 1, 0], [np.nan, np.nan, 1, 1]])
    np.save(folder / "slave-3.npy", rows)
    part = open_partition(folder, 3, MIXED)
    np.testing.assert_array_equal(part.train_X, [[np.nan, 2**53 - 1], [3, np.nan]])
    assert np.isnan(part.test_X).all()


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        (0, np.inf, "not finite"),
        (2, np.nan, "not finite"),
        (3, np.nan, "not finite"),
        (1, 0, "a category in 'colour' is no digest"),
        (1, 0.5, "is no digest"),
        (1, 2.0**53, "is no digest"),
    ],
)
def test_a_damaged_array_with_gaps(folder, column, value, problem):
    rows = np.array([[np.nan, 7, 0, 0], [2, 7, 0, 0]])
    np.save(folder / "slave-3.npy", rows)
    open_partition(folder, 3, MIXED)
    rows[1, column] = value
    np.save(folder / "slave-3.npy", rows)
    with pytest.raises(DataError, match=f"the file is damaged: .*{problem}"):
        open_partition(folder, 3, MIXED)


def test_labels_that_are_numbers(folder):
    numbers = dataclasses.replace(MANIFEST, classes=())
    np.save(folder / "slave-3.npy", changed(0, 2, -1.25))
    part = open_partition(folder, 3, numbers)
    assert (part.train_y.tolist(), part.test_y.tolist()) == ([-1.25, 1], [1])
    assert (part.train_y.dtype, part.test_y.dtype) == (np.float64, np.float64)
    np.save(folder / "slave-3.npy", changed(0, 2, np.inf))
    with pytest.raises(DataError, match="not finite"):
        open_partition(folder, 3, numbers)


def header(shape: str) -> bytes:
    """Make a file whose header says a shape, with three rows."""
    said = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(said).to_bytes(2, "little") + said.encode() + ROWS.tobytes()


@pytest.mark.parametrize(
    ("contents", "problem"),
    [
        *((lambda whole, size=size: whole[:size], "") for size in (0, 5, 100, -8)),
        (lambda whole: whole + b"12345678", "it has 104 bytes of rows, not 96"),
        (lambda whole: header("(1000000000000, 4)"), "it has 96 bytes of rows, not 32,000,0"),
        (lambda whole: header("(-1, 4)"), ""),
        (lambda whole: header("(3, 4"), ""),
        (lambda whole: whole.replace(b"NUMPY\x01", b"NUMPY\x07"), ""),
    ],
)
def test_a_file_that_is_damaged(folder, contents, problem):
    path = slave_file(folder, 3)
    check_files(folder, MANIFEST, ["3"])
    path.write_bytes(contents(path.read_bytes()))
    for read in (lambda: open_partition(folder, 3), lambda: check_files(folder, MANIFEST, "3")):
        with pytest.raises(
            DataError, match=rf"slave-3\.npy: the file is damaged: .*{problem}"
        ) as bad:
            read()
        assert "\n" not in str(bad.value)


def test_a_file_that_is_not_there(folder):
    with pytest.raises(DataError, match=r"slave-4\.npy: there is no such file"):
        open_partition(folder, 4)
    with pytest.raises(DataError, match=r"slave-4\.npy: there is no such file"):
        check_files(folder, MANIFEST, ["3", "4"])


def test_a_worker_need_not_wait_for_pandas():
    code = "import fedredis.data.partition, sys; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
