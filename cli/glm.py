"""``fedredis glm``: a generalised linear model of all slaves' rows."""

from __future__ import annotations

from typing import Any

import click

from fedredis.cli import asking, options
from fedredis.inference.analyses.glm import Glm


@click.command(name="glm", cls=asking.GroupedCommand)
@click.argument("formula", required=False)
@click.option(
    "--columns",
    metavar="A,B,…",
    callback=asking.listed,
    help="The columns that explain it; all others, if not given.",
)
@options.made_of(Glm)
@asking.picture
@asking.where
def command(**asked: Any) -> None:
    """Fit a generalised linear model to all slaves' rows.

    It is named by a FORMULA, such as 'y ~ age + C(sex) * bmi', or by --label and --columns.
    """
    asking.ask("glm", asked)
