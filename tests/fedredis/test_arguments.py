from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from fedredis.arguments import Argument, checked
from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    PathLike, Value = Any, Any


@checked
def call(
    run: str,
    *,
    times: int | None = None,
    share: float = 0.5,
    names: Sequence[str] = (),
    out: PathLike = ".",
    force: bool = False,
    values: Mapping[str, Value] | None = None,
    **rest: Any,
) -> tuple[Any, ...]:
    """Do nothing."""
    return run, times, share, names, out, force, values, rest


def test_what_is_right_is_passed_on():
    assert call("a") == ("a", None, 0.5, (), ".", False, None, {})
    told = call("a", times=3, share=1, names=["b"], values={"x": 1}, more=5)
    assert told == ("a", 3, 1.0, ("b",), ".", False, {"x": 1}, {"more": 5})
    assert isinstance(told[2], float)
    frame = pd.DataFrame({"x": [1.5, 2.5], "y": [3, 4]})
    assert call("a", names=frame.columns)[3] == ("x", "y")
    assert call("a", values=frame.iloc[1])[6] == {"x": 2.5, "y": 4}
    assert call.__doc__ == "Do nothing."


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"run": 5}, "^`run` must be text, not 5$"),
        ({"times": "x"}, "^`times` must be a whole number, not 'x'$"),
        ({"times": 1.5}, "`times`"),
        ({"times": True}, "`times`"),
        ({"share": "x"}, "^`share` must be a number, not 'x'$"),
        ({"share": None}, "`share`"),
        ({"names": "ab"}, "^`names` must be a list of names, not 'ab'$"),
        ({"names": [1]}, "`names`"),
        ({"out": 5}, "^`out` must be a path, not 5$"),
        ({"force": 1}, "^`force` must be True or False, not 1$"),
        ({"values": [1]}, "^`values` must be a mapping"),
        ({"out": pd.Series([1, 2])}, r"^`out` must be a path, not 0 1 1 2 dtype: int64$"),
    ],
)
def test_what_is_not_is_told_by_its_name(wrong, problem):
    with pytest.raises(UsageError, match=problem):
        call(**{"run": "a", **wrong})


def test_arguments_that_are_not_there():
    with pytest.raises(UsageError, match=r"^call: missing a required argument: 'run'$"):
        call()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("argument", "inside", "outside", "words"),
    [
        (Argument("", least=1), (1, 10**12), (0, float("nan"), float("inf")), "at least 1"),
        (Argument("", least=0, above=True), (1e-300,), (0, -1), "above 0"),
        (Argument("", least=0, most=1, below=True), (0, 0.9), (1, -0.1), "at least 0 and below 1"),
        (Argument("", least=0, most=1), (0, 1), (1.1,), "at least 0 and at most 1"),
        (Argument("", choices=("a", "b")), ("a", None), ("c",), "one of a, b"),
    ],
)
def test_ranges(argument, inside, outside, words):
    for value in inside:
        argument.check("it", value)
    for value in outside:
        with pytest.raises(UsageError, match=f"^`it` must be {words}, not {value!r}$"):
            argument.check("it", value)
