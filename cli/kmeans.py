"""``fedredis kmeans``: clusters of all slaves' rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fedredis.api.inference.calls import apart, clustering
from fedredis.cli import asking

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command(name="kmeans", cls=asking.GroupedCommand)
@asking.numbered
@click.option(
    "--clusters", type=click.IntRange(min=1), default=3, show_default=True, help="How many."
)
@click.option(
    "--starts",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Starts, of which the best counts.",
)
@click.option("--raw", is_flag=True, help="Columns as they are, and not standardised.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Seed of the starts.",
)
@asking.where
def command(
    columns: Sequence[str] | None,
    clusters: int,
    raw: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Find k-means clusters of all slaves' rows."""
    where, own = apart(asked)
    question = clustering(columns, clusters, {**own, "standardise": not raw})
    asking.ask(question, where, as_json=as_json)
