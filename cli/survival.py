"""``fedredis survival``: survival curves, or proportional hazards, of all slaves' rows."""

from __future__ import annotations

from typing import Any

import click

from fedredis.api.inference.calls import surviving
from fedredis.cli import asking


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
@click.option("--weights", metavar="COLUMN", default="", help="Weights of the rows.")
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
    time: str,
    event: str,
    by: str,
    cox: str | None,
    strata: str,
    ties: str,
    transform: str,
    weights: str,
    bases: dict[str, str],
    level: float,
    as_json: bool,
    **where: Any,
) -> None:
    """Estimate survival, or what it depends on, from all slaves' rows.

    Without --cox these are Kaplan and Meier's curves, with the log-rank test of groups.
    """
    own = {
        "strata": strata,
        "ties": ties,
        "transform": transform,
        "weights": weights,
        "bases": bases,
        "level": level,
    }
    terms = cox.replace(",", "+") if cox else None
    asking.ask(surviving(time, event, by, terms, own), where, as_json=as_json)
