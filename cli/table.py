"""``fedredis table``: a cross table of all slaves' rows, with its tests."""

from __future__ import annotations

from typing import Any

import click

from fedredis.cli import asking


@click.command(name="table", cls=asking.GroupedCommand)
@click.argument("row")
@click.argument("column")
@asking.where
def command(**asked: Any) -> None:
    """Count rows by two columns of categories, or compare a number by category.

    With counts come chi-squared and, of 2 by 2, Fisher's test; with means t-tests and the
    analysis of variance.
    """
    asking.ask("table", asked)
