"""``fedredis kmeans``: clusters of all slaves' rows."""

from __future__ import annotations

from typing import Any

import click

from fedredis.cli import asking, options
from fedredis.inference.analyses.kmeans import KMeans


@click.command(name="kmeans", cls=asking.GroupedCommand)
@options.made_of(KMeans)
@asking.where
def command(**asked: Any) -> None:
    """Find k-means clusters of all slaves' rows."""
    asking.ask("kmeans", asked)
