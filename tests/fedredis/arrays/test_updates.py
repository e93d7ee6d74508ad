import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedredis.arrays import Bundle, Field, Schema, Updates, figures
from fedredis.errors import BlobError

SCHEMA = Schema((Field("sums", "<i8", (2,)),))
BUNDLE = Bundle(
    ("north", "1"), (3, 0), [np.array([4, 5])], {"accuracy": np.array([0.5, np.nan])}, worker="w-1"
)
HEAD, BODY = list(BUNDLE.parts(SCHEMA))


def pack(*values):
    return figures.pack({"loss": np.array(values, float)})["loss"]


def forged(**changes):
    """Read the bundle with another head."""
    head = {**json.loads(HEAD), **changes}
    return Bundle.of(SCHEMA, [json.dumps(head).encode(), BODY])


def test_round_trip():
    back = Bundle.of(SCHEMA, [HEAD, BODY])
    assert back.arrays[0].tolist() == [4, 5]
    assert back.without_arrays().arrays == []
    for name in ("slaves", "samples", "worker", "rows"):
        assert getattr(back, name) == getattr(BUNDLE, name)
    assert np.array_equal(back.facts["accuracy"], [0.5, np.nan], equal_nan=True)


def test_take():
    updates = Updates(
        ("a", "b", "c"),
        np.array([1, 2, 3]),
        [np.arange(6).reshape(3, 2)],
        {"loss": np.array([1.0, 2.0, 3.0])},
        [["A"], ["B"], ["C"]],
    ).take([2, 0])
    assert (updates.slaves, updates.samples.tolist()) == (("c", "a"), [3, 1])
    assert updates.stacks[0].tolist() == [[4, 5], [0, 1]]
    assert (updates.facts["loss"].tolist(), updates.memories) == ([3.0, 1.0], [["C"], ["A"]])


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"slaves": ["north"]}, "it does not say whose it is"),
        ({"slaves": ["1", "1"]}, "it does not say whose it is"),
        ({"slaves": ["north", 1]}, "it does not say whose it is"),
        ({"slaves": ["north", "\ud800"]}, "it does not say whose it is"),
        ({"slaves": [], "samples": []}, "it does not say whose it is"),
        ({"samples": [3, -1]}, "a number of rows in it is none"),
        ({"samples": [3, True]}, "a number of rows in it is none"),
        ({"samples": [3, 2**41]}, "a number of rows in it is none"),
        ({"facts": []}, "what it tells of its slaves is not by name"),
        ({"facts": {"loss": pack(1)}}, "what it tells of its slaves is not a figure for each"),
        ({"facts": {"loss": [1, 2]}}, "figures in it are not base64"),
        ({"facts": {"loss": "x"}}, "figures in it are not base64"),
    ],
)
def test_what_is_no_bundle(changes, problem):
    with pytest.raises(BlobError, match=problem):
        forged(**changes)


def test_a_worker_is_named_by_text_that_can_be_written():
    assert forged(worker="\ud800" * 999).worker == "?" * 200


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["slaves", "samples", "facts", "worker"]), ANY)
def test_whatever_a_head_says_ends_in_a_bundle_or_an_error(field, value):
    try:
        bundle = forged(**{field: value})
    except BlobError:
        return
    told = [bundle.slaves, bundle.samples, figures.pack(bundle.facts), bundle.worker]
    json.dumps(told, allow_nan=False)
    assert len(bundle.slaves) == len(bundle.samples)
