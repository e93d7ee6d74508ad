import pandas as pd
import pytest

import fedredis
from fedredis.api.preparation import SLAVES, Rows, find_partitions, prepare
from fedredis.api.request import Request
from fedredis.data.cuts.spec import Cut
from fedredis.data.manifest import read_manifest
from fedredis.data.reading import Reading
from fedredis.errors import DataError, UsageError


def cut(data, slaves, home, **asked):
    return prepare(Request.of(data, None, home, asked), slaves)[:2]


def test_rows_are_read_as_is_said(csv):
    said = Reading(
        label="tempo", columns=["decade", "energy"], categories=["energy"], task="regress"
    )
    table = Rows(csv, said, Cut.parse("column:decade")).read(0)
    assert [(column.name, column.kind) for column in table.columns] == [
        ("decade", "category"),
        ("energy", "category"),
    ]
    assert (table.reading.label, table.classes) == ("tempo", ())
    assert set(table.groups) == {"X-Generation", "Y-Generation", "Z-Generation"}


def test_rows_are_cut_as_is_said(csv, folder):
    manifest, _ = cut(csv, 3, folder / "home", by="column:decade")
    assert (manifest.cut, manifest.rows) == ("column:decade", 300)


def test_how_many_slaves(csv, folder):
    assert Rows(csv).slaves(None) == Rows().slaves(None) == SLAVES
    assert Rows(csv).slaves(7) == 7
    fedredis.partition(csv, slaves=4, out="parts")
    assert Rows(folder / "parts").slaves(None) == 4
    assert Rows(folder / "parts").slaves(3) == 3
    with pytest.raises(UsageError, match=r"`slaves` is 5, and .* was cut for 4"):
        Rows(folder / "parts").slaves(5)


def test_a_cut_is_found_again(csv, folder):
    home = folder / "home"
    manifest, parts = cut(csv, 3, home)
    assert parts == home / "partitions" / manifest.dataset
    assert home.stat().st_mode & 0o777 == 0o700
    before = sorted(home.rglob("*"))
    assert cut(csv, 3, home) == (manifest, parts)
    assert sorted(home.rglob("*")) == before
    assert find_partitions(home, manifest.dataset, "nowhere") == parts


def test_a_folder_is_taken_as_it_is(csv, folder):
    manifest = fedredis.partition(csv, slaves=3, out="parts", seed=5).manifest
    parts, home = folder / "parts", folder / "home"
    assert cut(parts, 3, home) == (manifest, parts)
    assert not home.exists()
    assert find_partitions(home, manifest.dataset, Rows(parts).source) == parts
    for name, said in {
        "columns": ["energy"],
        "missing": "mean",
        "by": "iid",
        "test_fraction": 0.2,
    }.items():
        with pytest.raises(UsageError, match=f"parts is cut already: leave out `{name}`"):
            cut(parts, 3, home, **{name: said})


def test_partitions_that_are_gone(csv, folder):
    fedredis.partition(csv, slaves=3, out="parts")
    assert read_manifest(folder / "parts").dataset != "other"
    with pytest.raises(DataError, match="the partitions of other are gone"):
        find_partitions(folder, "other", str(folder / "parts"))


@pytest.mark.parametrize("damage", ["gone", "short", "other", "manifest"])
def test_what_was_cut_and_is_damaged_is_cut_again(csv, folder, damage):
    home = folder / "home"
    manifest, parts = cut(csv, 3, home)
    before = {path.name: path.read_bytes() for path in parts.iterdir()}
    file = parts / ("manifest.json" if damage == "manifest" else "slave-1.npy")
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(before[file.name][:-8] + (b"" if damage == "short" else b"ABCDEFGH"))
    assert cut(csv, 3, home) == (manifest, parts)
    assert {path.name: path.read_bytes() for path in parts.iterdir()} == before
    assert [path.name for path in (home / "partitions").iterdir()] == [manifest.dataset]


def test_a_folder_that_can_not_be_mended(csv, folder):
    _, parts = cut(csv, 3, folder / "home")
    (parts / "slave-1.npy").unlink()
    (parts / "slave-1.npy").mkdir()
    with pytest.raises(DataError, match="it can't be replaced: Is a directory"):
        cut(csv, 3, folder / "home")


def test_a_frame_is_cut_as_its_file_is(csv, folder):
    parts = [cut(rows, 3, folder / "home")[1] for rows in (csv, pd.read_csv(csv))]
    assert parts[0].name.removeprefix("songs") == parts[1].name.removeprefix("frame")
