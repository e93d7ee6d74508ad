import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedredis.data.categories import digest, digests


def test_owners_who_never_met_make_the_same_digest() -> None:
    # Written down: partition folders last longer than programs.
    assert digest("red") == 3011975351289407.0
    assert digest("blue") != digest("red")


@given(st.text(st.characters()))
def test_a_digest_is_a_whole_number_that_a_float_holds(text: str) -> None:
    found = digest(text)
    if text.strip():
        assert found.is_integer()
        assert 1 <= found < 2**53
    else:
        assert math.isnan(found)


@pytest.mark.parametrize(
    ("one", "other"), [(" red\t", "red"), ("true", "True"), ("FALSE", "False")]
)
def test_the_same_category(one: str, other: str) -> None:
    assert digest(one) == digest(other)


@pytest.mark.parametrize(("one", "other"), [("Red", "red"), ("1.0", "1"), ("true", "false")])
def test_other_categories(one: str, other: str) -> None:
    assert digest(one) != digest(other)


def test_many_at_once() -> None:
    texts = ["red", None, "blue", " ", "red", float("nan"), "blue "]
    expected = [digest(t) if isinstance(t, str) else np.nan for t in texts]
    np.testing.assert_array_equal(digests(pd.Series(texts, dtype=object)), expected)
    assert len(digests(pd.Series([], dtype=object))) == 0
