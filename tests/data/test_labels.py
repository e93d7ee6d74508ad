from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from fedredis.data.file import read
from fedredis.data.reading import Reading
from fedredis.data.table import Table
from fedredis.errors import DataError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "flats.csv"


def rents(path: Path, labels: Sequence[object], **choices: str) -> Table:
    rows = "".join(f"{i},{label}\n" for i, label in enumerate(labels))
    path.write_text("size,rent\n" + rows)
    return read(path, Reading(label="rent", **choices))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param([0.5, 1, 2], id="not whole"),
        pytest.param(range(21), id="many"),
        pytest.param(["1e300", -1.5], id="large"),
    ],
)
def test_what_is_measured_is_predicted_as_a_number(path, labels):
    table = rents(path, labels)
    assert table.classes == ()
    assert table.y.dtype == np.float64
    assert table.y.tolist() == [float(str(label)) for label in labels]


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(range(20), id="twenty"),
        pytest.param(["1", "2"], id="whole"),
        pytest.param(["yes", "no"], id="binary"),
        pytest.param([0.5, "much"], id="text among them"),
        pytest.param([f"c{i}" for i in range(300)], id="many words"),
        pytest.param(["True", "False"], id="truth"),
    ],
)
def test_what_is_named_is_a_class(path, labels):
    table = rents(path, labels)
    assert table.classes == tuple(sorted(map(str, labels)))
    assert table.y.dtype == np.int64
    assert [table.classes[y] for y in table.y] == list(map(str, labels))


def test_the_task_can_be_chosen(path):
    assert rents(path, [1, 2, 2], task="regress").y.tolist() == [1, 2, 2]
    assert rents(path, [1, 2, 2], task="regress").classes == ()
    assert rents(path, [0.5, 1.5], task="classify").classes == ("0.5", "1.5")


@pytest.mark.parametrize(
    ("labels", "task", "row", "problem"),
    [
        ([1, "much", 3], "regress", 3, "'much' is not a number"),
        ([1.5, 2, "inf"], "auto", 4, "the number is infinite"),
        ([1.5, 1.5], "regress", None, "every row has the label '1.5', there must be two"),
        ([1.5, "", 2.5], "auto", 3, "the cell is empty"),
    ],
)
def test_numbers_that_can_not_be_predicted(path, labels, task, row, problem):
    with pytest.raises(DataError, match=problem) as refused:
        rents(path, labels, task=task)
    assert (refused.value.row, refused.value.column) == (row, "rent")


@pytest.mark.parametrize("missing", ["drop", "mean"])
def test_a_row_without_a_label_is_dropped(path, missing):
    table = rents(path, [1.5, "", "NA", 2.5], missing=missing)
    assert (table.X[:, 0].tolist(), table.y.tolist()) == ([0, 3], [1.5, 2.5])
