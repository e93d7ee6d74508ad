"""The option ``--secure``, of all commands whose sums can be masked."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from fedredis.secure.graph import SHARE

if TYPE_CHECKING:
    from collections.abc import Callable


def secure(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option to a command that has a threshold, which it stands for."""

    @wraps(function)
    def masked(*args: Any, secure: bool, **given: Any) -> Any:
        if secure and not given.get("threshold"):
            given["threshold"] = SHARE
        return function(*args, **given)

    return click.option(
        "--secure",
        is_flag=True,
        help=f"Mask sums: the same as --threshold {SHARE}, if none is given.",
    )(masked)
