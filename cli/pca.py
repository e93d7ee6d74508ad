"""``fedredis pca``: principal components of all slaves' rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fedredis.api.inference.calls import reducing
from fedredis.cli import asking

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command(name="pca", cls=asking.GroupedCommand)
@asking.numbered
@click.option(
    "--components", type=click.IntRange(min=1), help="How many to list; all, if not given."
)
@click.option("--raw", is_flag=True, help="Of covariances, and not of correlations.")
@asking.where
def command(
    columns: Sequence[str] | None, components: int | None, raw: bool, as_json: bool, **where: Any
) -> None:
    """Find the directions in which all slaves' rows differ most."""
    asking.ask(reducing(columns, components, not raw), where, as_json=as_json)
