"""Arguments that several analyses have."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from fedredis.arguments import Argument, argument


def column(help: str, holds: str, default: Any = "", **told: Any) -> Any:  # noqa: A002
    """Make a field that names a column of the data, which holds `number`, `category` or `any`."""
    return argument(help, default, metavar="COLUMN", holds=holds, **told)


def columns(help: str, holds: str) -> Any:  # noqa: A002
    """Make a field that names columns of the data; all such, if empty."""
    return argument(help, (), metavar="A,B,…", holds=holds)


def weights() -> Any:
    """Make the field of the column that weighs rows."""
    return column("Weights of the rows.", "number")


def bases() -> Any:
    """Make the field of categories that others are compared with, by column."""
    told = Argument(
        "The category that others are compared with; may be repeated.",
        metavar="COLUMN=CATEGORY",
        called="reference",
    )
    return field(default_factory=dict, metadata={"argument": told})


def level() -> Any:
    """Make the field of the level of confidence intervals."""
    return argument("Of confidence intervals.", 0.95, least=0, above=True, most=1, below=True)
