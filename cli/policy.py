"""``fedredis policy``: what a slave's owner allows."""

from __future__ import annotations

from pathlib import Path

import click

from fedredis.cli import options, output
from fedredis.secure.identity import Identity, fingerprint
from fedredis.secure.policy import Policy


@click.group(name="policy")
def command() -> None:
    """Look at the file by which a slave's owner says what is allowed.

    Its own process alone reads it (fedredis slave --policy FILE), and holds to it whatever a
    master asks.
    """


@command.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@options.as_json
def check(path: Path, as_json: bool) -> None:
    """Say what a policy file allows, and see that it can be used."""
    policy = Policy.load(path)
    if as_json:
        output.print_json({name: value for name, value, _ in policy.lines()})
        return
    for name, value, what in policy.lines():
        click.echo(f"{name:16}{value:12}{what}")
    for name, public in (policy.roster.keys if policy.roster else {}).items():
        own = (path.parent / f"{name}.key").exists()
        if own and Identity.load(path.parent, name).public != public:
            output.say(f"warning: the roster has another key of slave {name} than lies beside it")
        click.echo(f"roster: {name}  {fingerprint(public)}{'  (its key is here)' if own else ''}")
    if policy.least_slaves and not policy.masks:
        output.say(
            "warning: least_slaves without masks is the master's promise: a single slave's sums "
            "reach it; add masks = true"
        )
    if policy.roster and not policy.masks:
        output.say("warning: a run without masks is worked for, too; masks = true forbids it")
    if policy.masks and policy.roster is None:
        output.say("warning: masks need the table [roster]; `fedredis identity make` prints lines")
