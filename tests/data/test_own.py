from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fedredis.data.cut import held_out, write_partitions
from fedredis.data.manifest import Manifest
from fedredis.data.own import OWN, OwnFile, read_own
from fedredis.data.reading import Reading
from fedredis.data.source import load
from fedredis.errors import DataError, UsageError
from fedredis.features.protocol import Column

HEADER = "age,ward,outcome\n"
WARDS = ("icu", "eye", "")
ROWS = "".join(f"{20 + i},{WARDS[i % 3]},{'well' if i % 2 else 'ill'}\n" for i in range(40))


@pytest.fixture
def file(tmp_path: Path) -> OwnFile:
    """A file of 40 rows, some without a ward, whose name tells more than it should."""
    path = tmp_path / "patients of Dr Smith.csv"
    path.write_text(HEADER + ROWS)
    return OwnFile(path, "hospital-a", label="outcome", missing="mean")


def test_the_rows_are_those_of_the_file_and_some_are_held_out(file):
    rows = read_own(file, 7)
    table = load(file.path, Reading(label="outcome", missing="mean"))
    out = held_out(40, 0.2, 0, 7)
    part = rows.open("hospital-a")
    for found, expected in (
        (part.train_X, table.X[~out]),
        (part.train_y, table.y[~out]),
        (part.test_X, table.X[out]),
        (part.test_y, table.y[out]),
    ):
        np.testing.assert_array_equal(found, expected)
    assert len(part.test_y) == 8
    assert rows.slaves == ("hospital-a",)


def test_what_is_told_of_them(file):
    """Names of columns and classes, and counts; not even the file's name."""
    manifest = read_own(replace(file, dataset="wards", seed=3), 7).manifest
    assert manifest == Manifest(
        dataset="wards",
        source="hospital-a",
        reading=Reading(label="outcome", missing="mean", task="classify"),
        slaves=1,
        seed=3,
        test_fraction=0.2,
        columns=(Column("age"), Column("ward", kind="category")),
        classes=("ill", "well"),
        rows=40,
        cut=OWN,
        content="2da03792",
    )
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert "Smith" not in manifest.to_json()


def test_what_is_held_out_depends_on_the_seed_and_the_slave(file):
    parts = [
        read_own(replace(file, seed=seed), number).partition
        for seed, number in ((0, 7), (0, 7), (1, 7), (0, 8))
    ]
    first, again, *others = (set(part.test_X[:, 0]) for part in parts)
    assert first == again
    assert all(first != other for other in others)


@pytest.mark.parametrize(("fraction", "count"), [(0, 0), (0.5, 20), (0.999, 39)])
def test_how_much_is_held_out(file, fraction, count):
    part = read_own(replace(file, test_fraction=fraction), 0).partition
    assert (len(part.test_X), len(part.train_X)) == (count, 40 - count)


def test_the_content_tells_files_apart(file):
    told = {read_own(file, number).manifest.content for number in (0, 1)}
    file.path.write_text(file.path.read_text().replace("20,", "21,", 1))
    told.add(read_own(file, 0).manifest.content)
    assert len(told) == 2
    assert {len(content) for content in told} == {8}


def test_nothing_is_written(file):
    read_own(file, 0)
    assert list(file.path.parent.iterdir()) == [file.path]


def test_a_file_passes_through_json(file):
    given = replace(file, columns=["age"], categories=["ward"], task="classify", seed=5)
    back = OwnFile.from_json(given.to_json())
    assert back == given
    assert isinstance(back.path, Path)
    assert json.loads(given.to_json())["path"] == str(file.path)


def test_how_it_is_read_is_said_with_it(file):
    rows = read_own(replace(file, columns=["age"], label="ward", missing="drop"), 0)
    assert rows.manifest.columns == (Column("age"),)
    assert (rows.manifest.reading.label, rows.manifest.classes) == ("ward", ("eye", "icu"))
    assert (rows.manifest.rows, rows.manifest.reading.missing) == (27, "error")
    numbers = read_own(replace(file, columns=["ward"], label="age", task="regress"), 0)
    assert (numbers.manifest.classes, numbers.partition.train_y.dtype) == ((), np.float64)


def test_eras_are_always_three(file):
    file.path.write_text("energy,decade\n0.1,Y-Generation\n0.2,Y-Generation\n")
    assert len(read_own(OwnFile(file.path, "a"), 0).manifest.classes) == 3


def test_what_can_not_be_read(file, tmp_path):
    with pytest.raises(DataError, match=r"Smith\.csv, row 4, column 'ward'"):
        read_own(replace(file, missing="error"), 0)
    with pytest.raises(UsageError, match="`test_fraction` must be at least 0 and below 1"):
        read_own(replace(file, test_fraction=1), 0)
    with pytest.raises(DataError, match=r"nowhere\.csv"):
        read_own(OwnFile(tmp_path / "nowhere.csv", "a"), 0)


def test_a_partition_folder_is_none(file, tmp_path):
    table = load(file.path, Reading(label="outcome", missing="mean"))
    write_partitions(table, tmp_path / "parts", 2, 0, 0.2)
    with pytest.raises(UsageError, match="parts is a partition folder"):
        read_own(OwnFile(tmp_path / "parts", "a"), 0)


def test_a_slave_may_have_one_class_alone(tmp_path):
    path = tmp_path / "ward.csv"
    path.write_text("size,outcome\n1,well\n2,well\n3,well\n")
    rows = read_own(OwnFile(path, "ward", label="outcome"), 0)
    assert rows.manifest.classes == ("well",)
    assert set(rows.partition.train_y) == {0}
