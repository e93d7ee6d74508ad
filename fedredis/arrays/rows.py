"""The number of rows that a sum is of."""

from __future__ import annotations

from fedredis.arrays.quantity import Quantity, count


def rows_said() -> Quantity:
    """Describe the number of rows, which each slave says beside its sum, too."""
    must = "it has to be the number of rows"
    return count("rows", (1,), plausible=lambda integers, n: integers[:, 0] == n, must=must)
