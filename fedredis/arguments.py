"""What a caller may give: its type, its range and what it means, said once, at its field.

A field made by `argument` is an argument of a call and an option of a command, which is made from
it. `checked` sees to the arguments of a function in the same way, by their annotations.
"""

from __future__ import annotations

import functools
import inspect
import math
import operator
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ParamSpec, TypeVar

from fedredis.errors import UsageError

P = ParamSpec("P")
T = TypeVar("T")

#: Seconds that anything may be waited for: 30 days, which all that counts them can hold.
LONGEST = 30 * 24 * 3600

#: More than anybody waits for, of what is done or counted one by one.
MANY = 10**9
#: Worker processes on one machine, of 70 MB each; one acts for any number of slaves.
MOST_WORKERS = 1000


@dataclass(frozen=True)
class Argument:
    """What may stand in a field, and what it is for."""

    help: str
    metavar: str = ""
    #: The ends of its range, which belong to it unless it is `above` or `below` them.
    least: float | None = None
    most: float | None = None
    above: bool = False
    below: bool = False
    choices: tuple[str, ...] = ()
    #: 1000 where the field counts thousandths of what a person says, as milliseconds.
    scale: int = 1
    #: Whether what it is if not given is shown with `help`, which else says so itself.
    shows: bool = True
    #: What the option is called, if not as the field; of what is True unasked, the one against it.
    called: str = ""
    #: ``number``, ``category`` or ``any``, if it names columns of the data that hold such.
    holds: str = ""
    #: Words that may stand in the place of a column.
    words: tuple[str, ...] = ()

    def columns(self, value: Any) -> tuple[str, ...]:
        """List the columns of the data that a value names."""
        if not self.holds or not value:
            return ()
        named = (value,) if isinstance(value, str) else tuple(value)
        return tuple(name for name in named if name not in self.words)

    def check(self, name: str, value: Any) -> None:
        """See that a value of the right type is in its range, or one of the choices.

        Raises
        ------
        UsageError
            If it is not.
        """
        if value is None:
            return
        if self.choices and value not in self.choices:
            raise UsageError(
                f"must be one of {', '.join(self.choices)}, not {value!r}", field=name
            )
        if self.least is None:
            return
        least, most = self.least, math.inf if self.most is None else self.most
        # Not a number lies nowhere, and nothing is infinite.
        over = least < value if self.above else least <= value
        under = value < most if self.below or self.most is None else value <= most
        if not (over and under):
            unit = " seconds" * (self.metavar == "SECONDS")
            words = f"{'above' if self.above else 'at least'} {least / self.scale:.10g}"
            if self.most is not None:
                words += f" and {'below' if self.below else 'at most'} {most / self.scale:.10g}"
            told = value if self.scale == 1 else value / self.scale
            raise UsageError(f"must be {words}{unit}, not {told!r}", field=name)


def argument(help: str, default: Any = None, **told: Any) -> Any:  # noqa: A002
    """Make a field of a dataclass that is an argument."""
    return field(default=default, metadata={"argument": Argument(help, **told)})


def arguments_of(cls: type) -> dict[str, Argument]:
    """List the arguments of a dataclass by name."""
    return {f.name: f.metadata["argument"] for f in fields(cls) if "argument" in f.metadata}


def unsaid(cls: type) -> dict[str, Any]:
    """List what arguments of a dataclass are if they are not given; some must be."""
    told = [f for f in fields(cls) if "argument" in f.metadata]
    made = {f.name: f.default_factory() for f in told if f.default_factory is not MISSING}
    return made | {f.name: f.default for f in told if f.default is not MISSING}


def check_ranges(instance: Any) -> None:
    """See that all arguments of a dataclass are in their ranges; raises as `Argument.check`."""
    for name, told in arguments_of(type(instance)).items():
        told.check(name, getattr(instance, name))


def converted(cls: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is given for arguments of a dataclass, each as the type of its field.

    Raises
    ------
    UsageError
        If there is no such argument, or one is of another type, or out of its range.
    """
    known, kinds = arguments_of(cls), {f.name: str(f.type) for f in fields(cls)}
    for name in given:
        if name not in known:
            raise UsageError(f"there is no argument '{name}': choose from {', '.join(known)}")
    values = {name: _as(kinds[name], name, value) for name, value in given.items()}
    for name, value in values.items():
        known[name].check(name, value)
    return values


def checked(function: Callable[P, T]) -> Callable[P, T]:
    """Make a function raise UsageError if an argument is not of the type of its annotation."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise UsageError(f"{function.__name__}: {error}") from None
        for name, value in bound.arguments.items():
            told = signature.parameters[name]
            if told.kind is inspect.Parameter.VAR_POSITIONAL:
                each = tuple(_as(told.annotation, name, one) for one in value)
                bound.arguments[name] = each
            elif told.kind is not inspect.Parameter.VAR_KEYWORD:
                bound.arguments[name] = _as(told.annotation, name, value)
        return function(*bound.args, **bound.kwargs)

    return call


def _as(kind: str, name: str, value: Any) -> Any:
    """Convert a value to the type of an annotation, if that is one known here."""
    bare = kind.removesuffix(" | None")
    if bare not in KINDS or (value is None and bare != kind):
        return value
    what, convert = KINDS[bare]
    try:
        return convert(value)
    except (AttributeError, TypeError, ValueError, OverflowError):
        told = " ".join(repr(value).split())  # a table's has many lines
        raise UsageError(f"must be {what}, not {told}"[:200], field=name) from None


def _whole(value: Any) -> int:
    return operator.index(_no(bool, value))


def _real(value: Any) -> float:
    return float(_no(bool | str | bytes, value))


def _text(value: Any) -> str:
    return str(_is(str, value))


def _names(value: Any) -> tuple[str, ...]:
    return tuple(_is(str, one) for one in _is(Iterable, _no(str | bytes, value)))


def _numbers(value: Any) -> tuple[float, ...]:
    return tuple(_real(one) for one in _is(Iterable, _no(str | bytes, value)))


def _pairs(value: Any) -> dict[str, str]:
    """Write a strategy's options, or the like, as text, as a config holds them."""
    spelt = {True: "yes", False: "no"}
    return {
        str(name): spelt[one] if isinstance(one, bool) else str(one)
        for name, one in _is(Mapping, value).items()
    }


def _rows(value: Any) -> Any:
    """Take a path, or a frame, which can be known without importing pandas."""
    return value if hasattr(value, "to_numpy") and hasattr(value, "columns") else _path(value)


def _row(value: Any) -> Any:
    """Take a mapping, or a row of a frame, which can be known without importing pandas."""
    is_row = hasattr(value, "to_dict") and not hasattr(value, "columns")
    return value.to_dict() if is_row else _is(Mapping, value)


def _path(value: Any) -> Any:
    return _is(str | os.PathLike, value)


def _is(kind: Any, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError
    return value


def _no(kind: Any, value: Any) -> Any:
    if isinstance(value, kind):
        raise TypeError
    return value


#: Annotations, with what they are called and what makes such a value of one that is like it, such
#: as one of NumPy's.
KINDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "int": ("a whole number", _whole),
    "float": ("a number", _real),
    "str": ("text", _text),
    "bool": ("True or False", functools.partial(_is, bool)),
    "PathLike": ("a path", _path),
    "PathLike | Frame": ("a path, or a pandas DataFrame", _rows),
    "Report": ("a function", lambda value: _is(Callable, value)),
    "Fitted": ("a function", lambda value: _is(Callable, value)),
    "Sequence[str]": ("a list of names", _names),
    "Sequence[float]": ("a list of numbers", _numbers),
    "Collection[str]": ("a list of names", _names),
    "str | Sequence[str]": (
        "a name, or a list of names",
        lambda value: (value,) if isinstance(value, str) else _names(value),
    ),
    "Mapping[str, str]": ("a mapping from name to value", _pairs),
    "Mapping[str, Value]": ("a mapping from column to value", _row),
}
