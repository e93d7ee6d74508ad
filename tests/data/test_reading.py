import numpy as np
import pandas as pd
import pytest

from fedredis.data.reading import Reading
from fedredis.errors import UsageError


def test_what_is_said():
    assert Reading(columns=["a", 1]).columns == ("a", "1")  # type: ignore[list-item]
    said = [Reading(label="y"), Reading(), Reading(categories=None)]  # type: ignore[arg-type]
    assert [reading.as_dict for reading in said] == [{"label": "y"}, {}, {}]
    assert Reading(separator="tab").separator == "\t"


def test_codes_of_all_columns_and_of_one():
    reading = Reading(na=["?", "a=b=-9"])
    assert reading.missing_codes(["a=b", "c"]) == {"a=b": ["?", "-9"], "c": ["?"]}


@pytest.mark.parametrize(
    ("choice", "problem"),
    [
        ({"missing": "fill"}, "`missing` must be one of error, drop, mean, not 'fill'"),
        ({"task": "sort"}, "`task` must be one of auto, classify, regress, not 'sort'"),
        ({"columns": "size"}, "`columns` must be a list of names, not 'size'"),
        ({"separator": "||"}, "`separator` must be one sign, or tab, not '||'"),
        ({"encoding": "ebcdic-99"}, "`encoding` 'ebcdic-99' is none; utf-8, cp1252"),
        ({"decimal": ",", "thousands": ","}, "`decimal` and `thousands` can't both be ','"),
        ({"header": "2"}, "`header` must be a whole number, not '2'"),
        ({"header": 0}, "`header` must be at least 1"),
        ({"sql": "sqlite:///x"}, "`sql` says which database, and `query` what of it: give both"),
    ],
)
def test_a_choice_that_there_is_not(choice, problem):
    with pytest.raises(UsageError, match=problem):
        Reading(**choice)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [list, np.array, pd.Index, pd.Series, iter])
@pytest.mark.parametrize("field", ["columns", "categories", "ignore", "na"])
def test_names_may_stand_in_whatever_holds_several(field, kind):
    assert getattr(Reading(**{field: kind(["a", "b"])}), field) == ("a", "b")
    assert getattr(Reading(**{field: kind([])}), field) == ()
