import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedredis.data.cuts.spec import ALPHAS, Cut
from fedredis.errors import UsageError


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("iid", Cut("iid")),
        ("dirichlet:0.1", Cut("dirichlet", 0.1)),
        ("quantity:2", Cut("quantity", 2.0)),
        ("shards:2", Cut("shards", 2)),
        ("column:artist", Cut("column", "artist")),
        ("column:a: b.0", Cut("column", "a: b.0")),
    ],
)
def test_a_cut_is_read_and_written(text, cut):
    assert Cut.parse(text) == cut
    assert str(cut) == text


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("shards", "shards:1"),
        ("shards:02", "shards:2"),
        ("dirichlet:.10", "dirichlet:0.1"),
        ("dirichlet:1e0", "dirichlet:1"),
        ("quantity:1.0", "quantity:1"),
    ],
)
def test_equal_cuts_have_one_text(text, canonical):
    assert str(Cut.parse(text)) == canonical


@given(st.floats(*ALPHAS))
def test_the_text_keeps_every_digit(alpha):
    cut = Cut("dirichlet", alpha)
    assert Cut.parse(str(cut)) == cut


def test_only_a_column_must_be_known():
    assert Cut.parse("column:artist").column == "artist"
    assert [Cut.parse(text).column for text in ("iid", "shards", "quantity:1")] == [None] * 3


@pytest.mark.parametrize("text", ["", "even", "Dirichlet:1", "iid ", ":1"])
def test_an_unknown_cut_lists_those_that_exist(text):
    with pytest.raises(UsageError) as refused:
        Cut.parse(text)
    assert str(refused.value) == (
        f"there is no cut '{text}'; there are: iid, dirichlet:ALPHA, shards[:COUNT], "
        "quantity:ALPHA, column:NAME"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("iid:", "must be written iid"),
        ("iid:1", "must be written iid"),
        ("column", "must be written column:NAME"),
        ("column:", "must be written column:NAME"),
        ("dirichlet", "dirichlet:ALPHA, with a number from 0.000001 to 1000000"),
        ("dirichlet:some", "dirichlet:ALPHA, with a number"),
        ("dirichlet:0", "dirichlet:ALPHA, with a number"),
        ("dirichlet:nan", "dirichlet:ALPHA, with a number"),
        ("quantity:inf", "quantity:ALPHA, with a number"),
        ("quantity:-1", "quantity:ALPHA, with a number"),
        ("shards:", "shards[:COUNT], with a whole number from 1"),
        ("shards:0", "shards[:COUNT], with a whole number from 1"),
        ("shards:1.5", "shards[:COUNT], with a whole number from 1"),
        ("shards:" + "9" * 5000, "shards[:COUNT], with a whole number from 1"),
    ],
)
def test_a_parameter_that_is_missing_or_wrong(text, problem):
    with pytest.raises(UsageError) as refused:
        Cut.parse(text)
    assert str(refused.value).startswith(f"the cut '{text}' must be written ")
    assert problem in str(refused.value)
