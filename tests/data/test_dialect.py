"""How a file is written where its first lines say little."""

import pytest

from fedredis.data.reading import Reading
from fedredis.data.source import load

ROWS_OF_TWO = "".join(f"{i / 8},{'ab'[i % 2]}\n" for i in range(12))


@pytest.mark.parametrize("blank", ["\n", "\n\r\n", "\r"])
def test_blank_lines_above_the_header_are_none(tmp_path, blank):
    path = tmp_path / "a.csv"
    path.write_bytes((blank + "x,y\n" + ROWS_OF_TWO).encode())
    table = load(path, Reading(label="y"))
    assert (table.columns[0].name, len(table.X)) == ("x", 12)
    path.write_bytes((blank + "x\ty\n" + ROWS_OF_TWO.replace(",", "\t")).encode())
    assert load(path, Reading(label="y")).columns[0].name == "x"
