"""Slaves with as many rows are worked for at once, which spares most of NumPy's overhead."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

#: Numbers in a stack of matrices at most: more would not fit a core's cache.
STACK_SIZE = 1 << 20


def stacks(inputs: Mapping[str, NDArray[Any]]) -> Iterator[list[str]]:
    """Group slaves whose inputs have the same shape, as many as fit a stack."""
    alike: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for slave, X in inputs.items():
        alike[X.shape].append(slave)
    for slaves in alike.values():
        most = max(1, STACK_SIZE // max(1, inputs[slaves[0]].size))
        for first in range(0, len(slaves), most):
            yield slaves[first : first + most]
