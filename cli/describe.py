"""``fedredis describe``: means, quantiles, categories and correlations of all slaves' rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fedredis.api.inference.calls import describing
from fedredis.cli import asking

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@click.command(name="describe", cls=asking.GroupedCommand)
@click.option(
    "--columns", metavar="A,B,…", callback=asking.listed, help="Columns; all, if not given."
)
@click.option("--by", metavar="COLUMN", default="", help="Describe groups of this column apart.")
@click.option(
    "--quantiles",
    metavar="Q,Q,…",
    default="0.05,0.25,0.5,0.75,0.95",
    show_default=True,
    callback=asking.numbers,
    help="Quantiles, from 0 to 1.",
)
@click.option(
    "--resolution",
    type=click.FloatRange(min=0, min_open=True),
    default=1e-9,
    show_default=True,
    help="How exact quantiles are, in standard deviations.",
)
@asking.picture
@asking.where
def command(
    columns: Sequence[str] | None,
    by: str,
    quantiles: Sequence[float],
    resolution: float,
    plot: Path | None,
    as_json: bool,
    **where: Any,
) -> None:
    """Describe columns of all slaves' rows.

    Of numbers that is how many there are, mean, standard deviation and quantiles, and the
    correlations of all of them; of categories the numbers of rows.
    """
    question = describing(columns, by, quantiles, resolution)
    asking.ask(question, where, as_json=as_json, plot=plot)
