import base64
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fedredis.arrays.figures import figures, pack, unpack
from fedredis.errors import BlobError


def test_none_is_no_figure():
    assert np.array_equal(figures([1.5, None]), [1.5, np.nan], equal_nan=True)


def test_the_text_is_base64_of_doubles():
    assert pack({"loss": np.array([1.0])}) == {"loss": "AAAAAAAA8D8="}


@given(arrays.arrays(np.float64, st.integers(1, 9), elements=st.floats(-1e300, 1e300)))
def test_every_bit_comes_back(values):
    told = json.loads(json.dumps(pack({"loss": values})))
    assert unpack(told, len(values))["loss"].tobytes() == values.tobytes()


def test_what_says_nothing_is_no_figure():
    told = pack({"loss": np.array([np.nan, np.inf, -1e301, 7.0])})
    found = unpack(told, 4)["loss"]
    assert np.array_equal(found, [np.nan, np.nan, np.nan, 7.0], equal_nan=True)


def test_a_name_is_text_that_can_be_written():
    assert list(unpack({"\ud800": "AAAAAAAA8D8="}, 1)) == ["?"]


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        (None, "not by name"),
        ([], "not by name"),
        ({"loss": [1.0]}, "not base64"),
        ({"loss": "\u00e9"}, "not base64"),
        ({"loss": "AAAA"}, "not a figure for each"),
        ({"loss": base64.b64encode(bytes(16)).decode()}, "not a figure for each"),
    ],
)
def test_what_are_no_figures(told, problem):
    with pytest.raises(BlobError, match=problem):
        unpack(told, 1)
