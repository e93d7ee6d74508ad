"""``fedredis describe``: means, quantiles, categories and correlations of all slaves' rows."""

from __future__ import annotations

from typing import Any

import click

from fedredis.cli import asking, options
from fedredis.inference.analyses.describe import Describe


@click.command(name="describe", cls=asking.GroupedCommand)
@options.made_of(Describe)
@asking.picture
@asking.where
def command(**asked: Any) -> None:
    """Describe columns of all slaves' rows.

    Of numbers that is how many there are, mean, standard deviation and quantiles, and the
    correlations of all of them; of categories the numbers of rows.
    """
    asking.ask("describe", asked)
