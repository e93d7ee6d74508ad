"""``fedredis kmeans``: clusters of all slaves' rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fedredis.api.inference.calls import clustering
from fedredis.cli import asking

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command(name="kmeans", cls=asking.GroupedCommand)
@click.option(
    "--columns",
    metavar="A,B,…",
    callback=asking.listed,
    help="Columns of numbers; all, if not given.",
)
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
    starts: int,
    raw: bool,
    seed: int,
    as_json: bool,
    **where: Any,
) -> None:
    """Find k-means clusters of all slaves' rows."""
    own = {"starts": starts, "seed": seed, "standardise": not raw}
    asking.ask(clustering(columns, clusters, own), where, as_json=as_json)
