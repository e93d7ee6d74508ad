from pathlib import Path

import pytest

from fedredis.data.packed import check_file
from fedredis.data.records import line_of, read_header, records
from fedredis.errors import DataError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


def test_a_record_stands_where_it_starts(path):
    path.write_text('\na,b\n1,"two\nlines"\n  \n2,x\n')
    assert list(records(path)) == [(2, ["a", "b"]), (3, ["1", "two\nlines"]), (6, ["2", "x"])]
    assert [line_of(path, i) for i in range(3)] == [3, 6, None]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_counts_as_one(path, end):
    path.write_bytes(end.join(["a", "1", "2"]).encode())
    assert [line for line, _ in records(path)] == [1, 2, 3]


def test_the_header_is_stripped_of_spaces_and_of_a_byte_order_mark(path):
    path.write_bytes(b"\xef\xbb\xbfa, b ,c\n")
    assert read_header(path) == ["a", "b", "c"]


def test_a_name_that_stands_twice_is_refused(path):
    path.write_text("a,b, a\n1,2,3\n")
    with pytest.raises(DataError) as refused:
        read_header(path)
    assert str(refused.value) == (
        f"{path}, row 1, column 'a': two columns have this name: "
        "rename one, or say with `header` which line has the names"
    )


def test_a_name_stands_on_one_line(path):
    path.write_text('size,"the\nkind ",\n1,2,3\n')
    assert read_header(path) == ["size", "the kind", "Unnamed: 2"]
    path.write_text("Unnamed: 0,size,,,Unnamed,Unnamed,kind\n")
    assert read_header(path) == [
        *("Unnamed: 0", "size", "Unnamed: 2", "Unnamed: 3", "Unnamed: 4", "Unnamed: 5", "kind")
    ]


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_file_is_refused(path, text):
    path.write_text(text)
    with pytest.raises(DataError, match=r"rows\.csv: the file is empty"):
        read_header(path)


def test_a_long_text_is_no_fault(path):
    path.write_text("a,b\n1," + "x" * 200_000 + "\n2,\n")
    assert [line for line, _ in records(path)] == [1, 2, 3]


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_only_a_file_is_read(tmp_path, name):
    with pytest.raises(DataError, match="there is no such file") as refused:
        check_file(tmp_path / name)
    assert refused.value.file == tmp_path / name


def test_a_file_beyond_the_limit_is_refused_unread(path):
    with path.open("wb") as file:
        file.truncate(2**42)  # sparse: 4 TiB that take no room, and no machine would read
    with pytest.raises(DataError) as refused:
        check_file(path)
    assert "4,398,046,511,104 bytes, the limit is 1,073,741,824" in str(refused.value)
    check_file(path, cap=2**42)
