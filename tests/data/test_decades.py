from pathlib import Path

import numpy as np
import pytest

from fedredis.data.decades import read_by_decade, read_decades
from fedredis.data.songs import ERA_OF, ERAS, FEATURE_NAMES, FEATURES
from fedredis.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two songs a decade; the second one of the 60s comes again in the 10s."""
    for tempo, decade in enumerate(ERA_OF):
        uris = ["first-" + decade, "twice" if decade in ("60s", "10s") else "second-" + decade]
        rows = [["1", "a", uri, *["0"] * 10, str(tempo), "1999"] for uri in uris]
        header = ["target", "track", "uri", *FEATURE_NAMES, "decade"]
        text = "\n".join(",".join(row) for row in [header, *rows])
        (tmp_path / f"dataset-of-{decade}.csv").write_text(text)
    return tmp_path


def test_the_era_is_the_files_and_a_song_counts_once(folder):
    table = read_decades(folder)
    assert table.y.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2]
    assert table.X[:, -1].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5]
    assert (table.columns, table.classes, table.source) == (FEATURES, ERAS, folder.name)
    assert table.names == ["a"] * 11


def test_songs_are_grouped_by_the_decade_of_their_file(folder):
    table = read_decades(folder, by="decade")
    assert table.groups is not None
    assert table.groups == [name for name in ERA_OF for _ in range(1 if name == "10s" else 2)]
    assert read_decades(folder).groups is None


def test_songs_are_grouped_by_any_column_of_all_files(folder):
    assert read_decades(folder, by="target").groups == ["1"] * 11
    assert read_decades(folder, by="uri").groups is not None
    tempo = read_decades(folder, by="tempo").groups
    assert tempo == ["0", "0", "1", "1", "2", "2", "3", "3", "4", "4", "5"]


def test_a_number_is_one_group_in_all_files(folder):
    """Where a cell is missing, pandas makes floats of whole numbers."""
    path = folder / "dataset-of-60s.csv"
    path.write_text(path.read_text().replace("1,a,twice", ",a,twice"))
    assert read_decades(folder, by="target").groups == ["1", "", *["1"] * 9]


def test_a_column_to_group_by_that_a_file_lacks(folder):
    path = folder / "dataset-of-70s.csv"
    path.write_text(path.read_text().replace("target", "hit"))
    with pytest.raises(DataError) as refused:
        read_decades(folder, by="target")
    assert str(refused.value) == f"{path}, column 'target': there is no such column"


def test_a_missing_file_is_named(folder):
    (folder / "dataset-of-80s.csv").unlink()
    with pytest.raises(DataError, match=r"dataset-of-80s\.csv: there is no such file"):
        read_decades(folder)


def test_a_missing_column_is_named(folder):
    path = folder / "dataset-of-70s.csv"
    path.write_text(path.read_text().replace("tempo", "pace"))
    with pytest.raises(DataError) as refused:
        read_decades(folder)
    assert str(refused.value) == f"{path}, column 'tempo': there is no such column"


def test_a_bad_cell_is_named(folder):
    path = folder / "dataset-of-10s.csv"
    path.write_text(path.read_text().replace(",5,1999", ",fast,1999", 1))
    with pytest.raises(DataError) as refused:
        read_decades(folder)
    assert (refused.value.file, refused.value.row, refused.value.column) == (path, 2, "tempo")


def test_other_columns_can_be_read(folder):
    X, decades, _ = read_by_decade(folder, ["tempo", "target"])
    assert X[-1].tolist() == [5, 1]
    assert decades.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5]


def test_the_real_songs(real_songs):
    table = read_decades(real_songs)
    assert table.X.shape == (40_560, 11)  # 41,106 less the 546 that repeat a uri
    assert np.bincount(table.y).tolist() == [16_310, 12_220, 12_030]
    assert table.names is not None
    assert table.names[0] == "Jealous Kind Of Fella"


def test_the_artists_of_the_real_songs(real_songs):
    table = read_decades(real_songs, by="artist")
    assert table.groups is not None
    assert table.groups[0] == "Garland Green"
    assert len(set(table.groups)) > 10_000
