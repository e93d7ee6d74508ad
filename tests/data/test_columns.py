from pathlib import Path

import numpy as np
import pytest

from fedredis.data.file import read
from fedredis.data.meaning import digest
from fedredis.data.reading import Reading
from fedredis.data.songs import FEATURE_NAMES, FEATURES
from fedredis.errors import DataError
from fedredis.features.protocol import Column

#: Twelve rows: a number, few words, truth, a code, a word a row, no cell at all, and more.
HEADER = ",size,colour,open,code,street,void,name,uri,kind\n"
ROWS = [
    f"{i},{i}.5,{'red' if i % 3 else 'blue'},{i % 2 == 0},{i % 4},s{i},,n{i},u{i},{'cd'[i % 2]}\n"
    for i in range(12)
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "shops.csv"
    path.write_text(HEADER + "".join(ROWS))
    return path


def kinds(path: Path, **choices: object) -> dict[str, str]:
    table = read(path, Reading(label="kind", **choices))  # type: ignore[arg-type]
    return {column.name: column.kind for column in table.columns}


def test_numbers_and_few_words_are_taken_by_themselves(path):
    expected = {"size": "number", "colour": "category", "open": "category", "code": "number"}
    assert kinds(path) == expected


def test_a_cell_of_a_category_is_a_digest(path):
    X = read(path, Reading(label="kind")).X
    assert X[:4, 1].tolist() == [digest(text) for text in ("blue", "red", "red", "blue")]
    assert X[:2, 2].tolist() == [digest("True"), digest("False")]
    assert X[:, 3].tolist() == [0, 1, 2, 3] * 3


def test_a_number_that_is_named_as_a_category_is_read_as_text(path):
    assert kinds(path, categories=["code"])["code"] == "category"
    X = read(path, Reading(label="kind", columns=["code"], categories=["code"])).X
    assert X[:, 0].tolist() == [digest(f"0{i % 4}.0") for i in range(12)]


def test_what_is_named_as_a_category_is_taken_beside_the_others(path):
    assert list(kinds(path, categories=["street", "uri"])) == [
        *("size", "colour", "open", "code", "street", "uri")
    ]


def test_text_that_is_named_as_a_column_is_a_category(path):
    assert kinds(path, columns=["street", "size", "name"]) == {
        "street": "category",
        "size": "number",
        "name": "category",
    }


def test_a_column_without_a_cell_is_a_number(path):
    assert kinds(path, columns=["void"], missing="mean") == {"void": "number"}


@pytest.mark.parametrize(("count", "taken"), [(50, True), (51, False)])
def test_how_many_words_are_few(path, count, taken):
    rows = "".join(f"{i},w{i % count},{'cd'[i % 2]}\n" for i in range(200))
    path.write_text("size,word,kind\n" + rows)
    assert ("word" in kinds(path)) == taken


def test_truth_with_gaps_is_no_number(path):
    path.write_text("size,open,kind\n" + "1,True,c\n2,,d\n3,False,c\n" * 3)
    assert kinds(path, missing="mean") == {"size": "number", "open": "category"}
    X = read(path, Reading(label="kind", columns=["open"], missing="mean")).X
    np.testing.assert_array_equal(X[:3, 0], [digest("True"), np.nan, digest("False")])


def test_a_feature_of_songs_can_be_a_category(path):
    cells = "".join(",".join([e, "rock", *("0" * 11)]) + "\n" for e in ("X-Generation",) * 4)
    path.write_text(",".join(["decade", "genre", *FEATURE_NAMES]) + "\n" + cells)
    assert read(path).columns == FEATURES
    columns = read(path, Reading(categories=["key"])).columns
    assert columns[2] == Column("key", kind="category")
    assert columns[:2] + columns[3:] == FEATURES[:2] + FEATURES[3:]
    assert [c.name for c in read(path, Reading(categories=["genre"])).columns] == [
        *("genre", *FEATURE_NAMES)
    ]


@pytest.mark.parametrize(
    ("choices", "column", "problem"),
    [
        ({"categories": ["sort"]}, "sort", "there are"),
        ({"categories": ["kind"]}, "kind", "can't be learned from"),
        ({"columns": ["size"], "categories": ["code"]}, "code", "not as a column to learn from"),
    ],
)
def test_categories_that_can_not_be(path, choices, column, problem):
    with pytest.raises(DataError, match=problem) as refused:
        read(path, Reading(label="kind", **choices))  # type: ignore[arg-type]
    assert refused.value.column == column


def test_too_many_categories(path):
    rows = "".join(f"w{i},{'cd'[i % 2]}\n" for i in range(1_001))
    path.write_text("word,kind\n" + rows)
    with pytest.raises(DataError) as refused:
        read(path, Reading(label="kind", columns=["word"]))
    assert str(refused.value) == (
        f"{path}, column 'word': 1,001 different values are too many to be categories "
        "(1,000 at most): leave it out with `columns`"
    )
