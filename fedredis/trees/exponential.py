"""The exponential function out of additions and products: the same bits on every machine.

What `numpy.exp` rounds to depends on the processor and on how an array lies in memory.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: ``ln 2 = HIGH + LOW``; products of the first with integers up to 2^20 are exact.
HIGH, LOW = 0.693147180369123816490, 1.90821492927058770002e-10
LOG2_E = 1.4426950408889634
#: Beyond it the result is cut, still far from what a float64 can't hold.
MOST = 600.0
#: Terms of the series; with \|r\| <= ln 2 / 2 the rest is below 2^-47 of the result.
COEFFICIENTS = [1 / math.factorial(k) for k in range(11, -1, -1)]


def exp(x: NDArray[Any]) -> NDArray[np.float64]:
    """Return e^x: with ``x = k ln 2 + r``, 2^k times the Taylor polynomial of e^r."""
    x = np.clip(x, -MOST, MOST)
    k = np.rint(x * LOG2_E)
    x -= k * HIGH
    x -= k * LOW
    result = np.full_like(x, COEFFICIENTS[0])
    for coefficient in COEFFICIENTS[1:]:
        result *= x
        result += coefficient
    # Of all powers of two up to 2^±866 there is a float64.
    power: NDArray[np.float64] = np.ldexp(result, k.astype(np.int32))
    return power
