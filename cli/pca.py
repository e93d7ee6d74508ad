"""``fedredis pca``: principal components of all slaves' rows."""

from __future__ import annotations

from typing import Any

import click

from fedredis.cli import asking, options
from fedredis.inference.analyses.pca import Pca


@click.command(name="pca", cls=asking.GroupedCommand)
@options.made_of(Pca)
@asking.where
def command(**asked: Any) -> None:
    """Find the directions in which all slaves' rows differ most."""
    asking.ask("pca", asked)
