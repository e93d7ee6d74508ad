"""``fedredis glm``: a generalised linear model of all slaves' rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fedredis.api.inference.calls import apart, regression
from fedredis.cli import asking

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@click.command(name="glm", cls=asking.GroupedCommand)
@click.argument("formula", required=False)
@click.option("--label", metavar="COLUMN", default="", help="The column that is explained.")
@click.option(
    "--columns",
    metavar="A,B,…",
    callback=asking.listed,
    help="The columns that explain it; all others, if not given.",
)
@click.option(
    "--family",
    type=click.Choice(["gaussian", "binomial", "poisson", "gamma"]),
    default="gaussian",
    show_default=True,
    help="How labels spread about their mean.",
)
@click.option("--link", metavar="NAME", help="Of the mean; the family's own, if not given.")
@click.option("--offset", metavar="COLUMN", default="", help="A term with the coefficient 1.")
@asking.weights
@click.option("--frequency", is_flag=True, help="The weights count rows, and are not precisions.")
@click.option(
    "--covariance",
    type=click.Choice(["model", "HC0", "HC1", "cluster"]),
    default="model",
    show_default=True,
    help="Standard errors: of the model, robust, or clustered by slave.",
)
@click.option("--positive", metavar="CATEGORY", default="", help="The label that counts as 1.")
@asking.reference
@asking.confidence
@asking.picture
@asking.where
def command(
    formula: str | None,
    label: str,
    columns: Sequence[str] | None,
    plot: Path | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """Fit a generalised linear model to all slaves' rows.

    It is named by a FORMULA, such as 'y ~ age + C(sex) * bmi', or by --label and --columns.
    """
    where, own = apart(asked)
    asking.ask(regression(formula, label, columns, own), where, as_json=as_json, plot=plot)
