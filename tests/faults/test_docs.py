"""docs/faults.md names every row, and for each a test that exists."""

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TEXT = (ROOT / "docs" / "faults.md").read_text()
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", TEXT)


def functions(path):
    tree = ast.parse(path.read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def rows():
    return {
        int(number): line
        for line in TEXT.splitlines()
        for number in re.findall(r"^\| (\d+) \|", line)
    }


def test_every_row_is_there_and_names_a_test():
    assert set(rows()) >= set(range(1, 30))
    for line in rows().values():
        assert re.search(r"\.py::test_\w+`", line), line


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_is_named_exists(file, name):
    path = ROOT / file if "/" in file else HERE / file
    assert name.startswith("test_")
    assert name in functions(path)


def test_every_test_of_a_row_is_named_in_it():
    for path in HERE.glob("test_*.py"):
        for name in functions(path):
            if row := re.match(r"test_row_(\d+)_", name):
                assert f"`{path.name}::{name}`" in rows()[int(row[1])]
