"""Numbers made of a row's columns by an expression, such as ``log(age + 1)`` or ``bmi ** 2``.

An expression comes from whoever asks, and is worked out where the rows are: nothing in it is
called but the functions below, and no name means anything but a column.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from fedredis.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

#: What may be called.
FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {
    "log": np.log,
    "log10": np.log10,
    "log1p": np.log1p,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "I": lambda x: x,
}
OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: np.power(np.asarray(a, np.float64), b),
}
#: Letters of an expression at most, so that a parser can't be worn out.
LONGEST = 500
_QUOTED = re.compile(r"`([^`]*)`")


@dataclass(frozen=True)
class Expression:
    """A number made of a row's columns.

    Raises
    ------
    UsageError
        If the text is not an expression of these.
    """

    text: str
    #: Columns that there are; None if that is still to be seen.
    known: tuple[str, ...] | None

    def __post_init__(self) -> None:
        for name in self.columns:
            if self.known is not None and name not in self.known:
                raise UsageError(f"'{self.text}': there is no column '{name}'")

    @property
    def _plain(self) -> bool:
        return self.known is not None and self.text in self.known

    @cached_property
    def _quoted(self) -> tuple[str, ...]:
        return tuple(_QUOTED.findall(self.text))

    @cached_property
    def _tree(self) -> ast.expr:
        if len(self.text) > LONGEST:
            raise UsageError(f"an expression has at most {LONGEST} letters")
        numbers = iter(range(len(self._quoted)))
        plain = _QUOTED.sub(lambda _: f"_quoted_{next(numbers)}", self.text)
        if plain.startswith("{") and plain.endswith("}"):
            plain = plain[1:-1]
        try:
            tree = ast.parse(plain, mode="eval").body
            self._check(tree)
        except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
            raise UsageError(
                f"'{self.text}' is no expression of columns, numbers, + - * / ** and "
                f"{', '.join(FUNCTIONS)}; a column that is not a word stands in backticks"
            ) from None
        return tree

    def _check(self, node: ast.expr) -> None:
        match node:
            case ast.Name():
                return
            case ast.Constant(value=int() | float() as number):
                float(number)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                self._check(inner)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                self._check(left)
                self._check(right)
            case ast.Call(func=ast.Name(id=name), args=[inner], keywords=[]) if name in FUNCTIONS:
                self._check(inner)
            case _:
                raise ValueError(node)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is made of."""
        if self._plain:
            return (self.text,)
        calls = {id(n.func) for n in ast.walk(self._tree) if isinstance(n, ast.Call)}
        names = [n for n in ast.walk(self._tree) if isinstance(n, ast.Name) and id(n) not in calls]
        return tuple(dict.fromkeys(self._column(node.id) for node in names))

    def _column(self, name: str) -> str:
        place = name.removeprefix("_quoted_")
        return self._quoted[int(place)] if name != place and place.isdecimal() else name

    def of(self, columns: Mapping[str, NDArray[np.float64]], rows: int) -> NDArray[np.float64]:
        """Work it out for rows (rows,).

        Raises
        ------
        DataError
            If it is no number for one of them, such as a logarithm of 0.
        """
        if self._plain:
            return columns[self.text]
        with np.errstate(all="ignore"):
            found = np.broadcast_to(self._value(self._tree, columns), (rows,))
        if not np.isfinite(found).all():
            raise DataError(f"'{self.text}' is no number for some of the rows")
        return np.ascontiguousarray(found, np.float64)

    def _value(self, node: ast.expr, columns: Mapping[str, Any]) -> Any:
        match node:
            case ast.Name(id=name):
                return columns[self._column(name)]
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.UnaryOp(operand=inner):
                return -self._value(inner, columns)
            case ast.BinOp(left=left, op=op, right=right):
                first, second = self._value(left, columns), self._value(right, columns)
                return OPERATORS[type(op)](first, second)
            case ast.Call(func=ast.Name(id=name), args=[inner]):
                return FUNCTIONS[name](self._value(inner, columns))
        raise ValueError(node)
