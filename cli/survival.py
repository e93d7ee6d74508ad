"""``fedredis survival``: survival curves, or proportional hazards, of all slaves' rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fedredis.api.inference.calls import apart, surviving
from fedredis.cli import asking

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="survival", cls=asking.GroupedCommand)
@click.option("--time", metavar="COLUMN", required=True, help="Until when a row was watched.")
@click.option("--event", metavar="COLUMN", required=True, help="1 if it ended with an event.")
@click.option("--by", metavar="COLUMN", default="", help="Curves of its groups, compared.")
@click.option(
    "--cox",
    metavar="FORMULA",
    help="Fit proportional hazards: columns, 'age, sex', or a formula, 'age + C(sex)'.",
)
@click.option(
    "--strata", metavar="COLUMN", default="", help="Strata of proportional hazards, or 'slave'."
)
@click.option(
    "--ties",
    type=click.Choice(["efron", "breslow"]),
    default="efron",
    show_default=True,
    help="How events at one time are taken.",
)
@click.option(
    "--transform",
    type=click.Choice(["km", "rank", "identity", "log"]),
    default="km",
    show_default=True,
    help="The scale of time in the test of proportionality.",
)
@asking.weights
@asking.reference
@asking.confidence
@asking.picture
@asking.where
def command(
    time: str,
    event: str,
    by: str,
    cox: str | None,
    plot: Path | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """Estimate survival, or what it depends on, from all slaves' rows.

    Without --cox these are Kaplan and Meier's curves, with the log-rank test of groups.
    """
    where, own = apart(asked)
    terms = cox.replace(",", "+") if cox else None
    asking.ask(surviving(time, event, by, terms, own), where, as_json=as_json, plot=plot)
