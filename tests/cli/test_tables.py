"""Tables at any width: whole cells, or columns that are left out in their order."""

import pytest
from rich.console import Console

from fedredis.cli.confusion import Confusion
from fedredis.cli.tables import Fitting

ROWS = [{"name": "synthetic-10-0273", "size": "12345", "why": "none"}]


def drawn(table, width):
    console = Console(width=width, markup=False)
    with console.capture() as capture:
        console.print(table)
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (36, "│ synthetic-10-0273 │ 12345 │ none │"),
        (35, "synthetic-10-0273 12345 none"),
        (24, "synthetic-10… 12345 none"),
        (18, "synthetic-1… 12345"),
        (14, "synthet… 12345"),
    ],
)
def test_what_gives_way(width, line):
    table = Fitting(ROWS, words=("name",), shrinks=("name",), gives_way=("why",))
    assert line in drawn(table, width)


def test_at_last_the_name_of_a_row_is_cut_short_and_no_figure():
    assert "synthetic… 12345" in drawn(Fitting(ROWS, words=("name",), gives_way=("why",)), 16)


def test_many_rows_and_none():
    assert drawn(Fitting(ROWS, "these", rest=1200), 40)[-1] == "and 1,200 more"
    assert drawn(Fitting([], "none"), 40)[0] == "none"


@pytest.mark.parametrize("width", [28, 24, 18, 14])
def test_plain_lines_are_those_of_the_table_without_its_own(width):
    rows = [*ROWS, {"name": "北北", "size": "1", "why": "…"}]
    table = Fitting(
        rows, "title", rest=2, words=("name",), shrinks=("name",), gives_way=("why",), lines=False
    )
    lines = list(table.written(width, "utf-8"))
    assert [line for line, _ in lines] == drawn(table, width)
    assert [style for _, style in lines] == ["italic", "bold", "", "", "italic"]


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("classes", [2, 3, 12, 26, 1000])
def test_a_confusion_has_its_numbers(width, classes):
    names = [f"class {number}" for number in range(classes)]
    counts = [
        [1000 + i if i == j else i * (i == j + 1) for j in range(classes)] for i in range(classes)
    ]
    lines = drawn(Confusion(names, counts), width)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    if "true class by predicted" in text:
        assert all(str(counts[i][j]) in text for i in range(classes) for j in range(classes))
    else:
        assert " ".join(lines).startswith("held-out rows told wrong")
        worst = next(line for line in lines if f"class {classes - 1}" in line)
        assert f"class {classes - 2}" in worst
        assert f" {classes - 1}" in worst.replace("class", "")
        assert (f"and {classes - 11} more" in text.replace(",", "")) == (classes > 11)
    assert ("told wrong" in text) == (classes >= 12 or (width, classes) == (40, 3))


def test_no_mistake_at_all():
    counts = [[int(i == j) for j in range(99)] for i in range(99)]
    assert "all are told right" in "\n".join(drawn(Confusion([*map(str, range(99))], counts), 80))
