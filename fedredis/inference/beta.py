"""The incomplete beta function, from which t and F follow."""

from __future__ import annotations

import math

#: Terms of the continued fraction at most; it takes about the root of the larger parameter.
MOST_TERMS = 100_000
#: What is as good as 1, or as 0.
CLOSE, TINY = 1e-16, 1e-300
#: Arguments from which Stirling's series, with the terms below, has all digits of a float64.
LARGE = 20.0
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)


def incomplete(a: float, b: float, x: float, y: float) -> float:
    """Return I_x(a, b), regularised, given x and ``y = 1 - x``, of which one may be tiny.

    By Lentz's continued fraction (Press et al., Numerical Recipes, 3rd edition, 6.4), on that side
    where it converges fast.
    """
    if x <= 0 or y <= 0:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - incomplete(b, a, y, x)
    log = _log_power(a, x, y) + _log_power(b, y, x) - log_beta(a, b)
    return math.exp(log) * _fraction(a, b, x) / a


def _log_power(a: float, x: float, y: float) -> float:
    """Return ``a log x``, from its distance to 1 where it is near to it."""
    return a * (math.log1p(-y) if y < 0.5 else math.log(x))


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1.0 / _kept(1.0 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, MOST_TERMS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / _kept(1.0 + term * d)
            c = _kept(1.0 + term / c)
            found *= d * c
        if abs(d * c - 1.0) <= CLOSE:
            break
    return found


def _kept(value: float) -> float:
    return value if abs(value) > TINY else TINY


def log_beta(a: float, b: float) -> float:
    """Return log B(a, b); of a large parameter as a difference that loses no digits."""
    small, large = sorted((a, b))
    if large < LARGE:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    # log G(large) - log G(large + small)
    rest = _series(large) - _series(large + small) + small
    rest -= (large - 0.5) * math.log1p(small / large) + small * math.log(large + small)
    return math.lgamma(small) + rest


def _series(x: float) -> float:
    """Return what log G(x) has beyond ``(x - 1/2) log x - x + log(2 pi) / 2``."""
    return float(sum(term / x ** (2 * i + 1) for i, term in enumerate(_STIRLING)))
