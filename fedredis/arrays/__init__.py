"""Arrays that travel: what they are, how they become bytes, and how real numbers become integers.

- `schema`: names, dtypes and shapes
- `blob`: arrays as parts of bytes, and back
- `quantity`: one array of an exact sum, its bound and its scale
- `rules`: how what slaves send is reduced, `Sum` or `Each`, and what is refused
- `figures`: what each slave tells of itself beside that, as text
- `updates`: what some slaves have computed, and the bundle that a worker hands in
"""

from __future__ import annotations

from fedredis.arrays.quantity import Quantity, count
from fedredis.arrays.rules import Each, Rule, Scope, Sum
from fedredis.arrays.schema import Arrays, Field, Named, Schema
from fedredis.arrays.updates import Added, Bundle, Updates

__all__ = [
    "Added",
    "Arrays",
    "Bundle",
    "Each",
    "Field",
    "Named",
    "Quantity",
    "Rule",
    "Schema",
    "Scope",
    "Sum",
    "Updates",
    "count",
]
