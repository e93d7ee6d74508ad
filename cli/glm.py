"""``fedredis glm``: a generalised linear model of all slaves' rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fedredis.api.inference.calls import regression
from fedredis.cli import asking

if TYPE_CHECKING:
    from collections.abc import Sequence


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
@click.option("--weights", metavar="COLUMN", default="", help="Weights of the rows.")
@click.option("--frequency", is_flag=True, help="The weights count rows, and are not precisions.")
@click.option(
    "--covariance",
    type=click.Choice(["model", "HC0", "HC1", "cluster"]),
    default="model",
    show_default=True,
    help="Standard errors: of the model, robust, or clustered by slave.",
)
@click.option("--positive", metavar="CATEGORY", default="", help="The label that counts as 1.")
@click.option(
    "--reference",
    "bases",
    metavar="COLUMN=CATEGORY",
    multiple=True,
    callback=asking.pairs,
    help="The category that others are compared with; may be repeated.",
)
@asking.confidence
@asking.where
def command(
    formula: str | None,
    label: str,
    columns: Sequence[str] | None,
    family: str,
    link: str | None,
    offset: str,
    weights: str,
    frequency: bool,
    covariance: str,
    positive: str,
    bases: dict[str, str],
    level: float,
    as_json: bool,
    **where: Any,
) -> None:
    """Fit a generalised linear model to all slaves' rows.

    It is named by a FORMULA, such as 'y ~ age + C(sex) * bmi', or by --label and --columns.
    """
    own = {
        "family": family,
        "link": link,
        "offset": offset,
        "weights": weights,
        "frequency": frequency,
        "covariance": covariance,
        "positive": positive,
        "bases": bases,
        "level": level,
    }
    asking.ask(regression(formula, label, columns, own), where, as_json=as_json)
