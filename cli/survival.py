"""``fedredis survival``: survival curves, or proportional hazards, of all slaves' rows."""

from __future__ import annotations

from typing import Any

import click

from fedredis.cli import asking, options
from fedredis.inference.analyses.survival import Survival


@click.command(name="survival", cls=asking.GroupedCommand)
@options.made_of(Survival)
@click.option(
    "--cox",
    metavar="FORMULA",
    callback=lambda _ctx, _param, text: text.replace(",", "+") if text else None,
    help="Fit proportional hazards: columns, 'age, sex', or a formula, 'age + C(sex)'.",
)
@asking.picture
@asking.where
def command(**asked: Any) -> None:
    """Estimate survival, or what it depends on, from all slaves' rows.

    Without --cox these are Kaplan and Meier's curves, with the log-rank test of groups.
    """
    asking.ask("survival", asked)
