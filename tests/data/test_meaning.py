import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedredis.data.meaning import digest, identity, namesakes, number, once_each, spelling


def test_owners_who_never_met_make_the_same_digest():
    # Written down: partition folders last longer than programs.
    assert digest("red") == 3011975351289407.0


@given(st.text(st.characters()))
def test_a_digest_is_a_whole_number_that_a_float_holds(text):
    found = digest(text)
    if spelling(text):
        assert found.is_integer()
        assert 1 <= found < 2**53
    else:
        assert math.isnan(found)


@pytest.mark.parametrize(
    ("cells", "spelt"),
    [
        ((1, 1.0, "1", "1.0", "01.", " +1.00", np.int64(1), np.float32(1), Decimal("1.0")), "1"),
        (("01234", 1234, "1234.0"), "1234"),
        ((0.1, "0.10", ".1", np.float32(0.1), Decimal("0.1")), "0.1"),
        (("-0", "0.0", 0, -0.0), "0"),
        (("-2.50", -2.5), "-2.5"),
        ((1e20, "1" + "0" * 20, 10**20), "1" + "0" * 20),
        (("9007199254740993", 2**53 + 1), "9007199254740993"),
        (("True", "TRUE", "true", " true ", True, np.bool_(True)), "True"),
        (
            ("", "  ", "NA", " NaN ", "null", "None", "<NA>", "n/a", None, np.nan, pd.NA, pd.NaT),
            "",
        ),
        (("red", " red\t"), "red"),
    ],
)
def test_one_thing_is_spelt_in_one_way(cells, spelt):
    assert {spelling(cell) for cell in cells} == {spelt}
    assert len({str(digest(cell)) for cell in cells}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("Red", "red"), ("1E2", "100"), ("1", "-1"), ("1.2.0", "1.2"), ("1,0", "1"), ("na", "NA")],
)
def test_other_things(one, other):
    assert spelling(one) != spelling(other)


def test_truth_is_the_same_as_one_and_is_called_truth():
    assert digest("True") == digest(1.0)
    assert identity("False") == identity("0")
    assert once_each(["0", "True", "1", "False", "a"]) == ["False", "True", "a"]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("1e3", 1000), (np.float32(0.5), 0.5), (" 2 ", 2), ("NA", None), (None, None), ("", None)],
)
def test_a_cell_as_a_number(cell, expected):
    found = number(cell)
    assert math.isnan(found) if expected is None else found == expected


@pytest.mark.parametrize("cell", ["a", "1_000", "31,15", [1], True])
def test_what_is_no_number(cell):
    with pytest.raises(ValueError, match=r"."):
        number(cell)


def test_namesakes():
    assert namesakes(["a", "b", "New  York", "new york"]) == [["New  York", "new york"]]
    pairs = [
        *(("1", "1e0"), ("1200", "1.2E+03"), ("nein", "nein\u200b"), ("x", "\uff58")),
        *(("a", "'a'"), ("it's", "it\u2019s"), ("not ill", "not_ill"), ("B-cell", "b cell")),
    ]
    for pair in pairs:
        assert namesakes(pair) == [sorted(pair)]
    apart = [
        "-1",
        "1",
        "1-2",
        "12",
        "1e5x",
        "a",
        "b",
        "ab",
        "a.b",
        "1e999",
        "+",
        "-",
        "",
        "\u00e9",
        "e",
    ]
    assert namesakes(apart) == []
