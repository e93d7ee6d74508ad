import json

import pytest

from fedredis.cli.options import split, values_of
from fedredis.cli.wording import as_options
from fedredis.errors import UsageError


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("a,b", ["a", "b"]),
        ('"Income, annual", city', ["Income, annual", "city"]),
        ('"say ""no"""', ['say "no"']),
    ],
)
def test_a_list(text, items):
    assert split(text) == items


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a=1, b=x", {"a": "1", "b": "x"}),
        ('"city=Paris, France",x=1', {"city": "Paris, France", "x": "1"}),
        ('x=,city="Paris, France"', {"x": "", "city": "Paris, France"}),
        ('"a, b"="x, y" , c=1', {"a, b": "x, y", "c": "1"}),
        ('"a, b=1"', {"a, b": "1"}),
        ('{"a=b": 1, "c": null}', {"a=b": 1, "c": None}),
    ],
)
def test_values(text, values):
    assert values_of(text) == values


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a", "'a' is not COLUMN=VALUE"),
        ('a="b', "a quote is opened and never closed"),
        ("{a", "not JSON"),
        ('{"a":' * 50_000, "not JSON: maximum recursion"),
        ("a=1,a=2", "twice: a"),
    ],
)
def test_values_that_are_none(text, problem):
    with pytest.raises(UsageError, match=problem):
        values_of(text)


def test_fields_are_written_as_options():
    told = "`missing=drop` or `test_fraction`: `fedredis resume x`, `a b`"
    assert as_options(told) == "--missing drop or --test-fraction: `fedredis resume x`, `a b`"


def test_warnings_are_lines_beside_the_result(call, tmp_path):
    rows = "".join(f"2020-01-{i % 28 + 1:02d},{i % 3},{'ab'[i % 2]}\n" for i in range(60))
    (tmp_path / "a.csv").write_text(f"when,x,y\n{rows}")
    told = call("partition", "a.csv", "--label", "y", "--slaves", 2, "--out", "p", "--json")
    assert json.loads(told.out)["rows"] == 60
    first, *_ = told.err.splitlines()
    assert first.startswith("warning: a.csv, column 'when': it holds dates")
