from pathlib import Path

import pytest

from fedredis.data.source import load
from fedredis.errors import DataError, UsageError


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "pets.csv"
    path.write_text("size,kind,age\n1,cat,2\n2,dog,3\n")
    table = load(path, label="kind", columns=["age"])
    assert (table.source, table.X.tolist()) == ("pets.csv", [[2], [3]])


def test_a_folder_must_hold_the_decades(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"dataset-of-60s\.csv: there is no such file"):
        load(tmp_path)


def test_neither_file_nor_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        load(tmp_path / "missing")


def test_nothing_gives_generated_songs() -> None:
    one, other = load(None, seed=1), load(None, seed=2)
    assert one.source == "synthetic"
    assert one.X.shape == other.X.shape
    assert (one.X != other.X).any()


@pytest.mark.parametrize("folder", [True, False])
@pytest.mark.parametrize("choice", [{"label": "kind"}, {"columns": ["tempo"]}])
def test_only_a_file_leaves_a_choice(tmp_path: Path, folder: bool, choice: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="for a CSV file only"):
        load(tmp_path if folder else None, **choice)
