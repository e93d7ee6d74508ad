"""``fedredis policy``: what a slave's owner allows."""

from __future__ import annotations

from pathlib import Path

import click

from fedredis.api.keys import identities
from fedredis.cli import options, output
from fedredis.secure.identity import fingerprint
from fedredis.secure.policy import Policy


@click.group(name="policy")
def command() -> None:
    """Look at the file by which a slave's owner says what is allowed.

    Its own process alone reads it, when it starts (fedredis slave --policy FILE), and holds to it
    whatever a master asks.
    """


@command.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@options.as_json
def check(path: Path, as_json: bool) -> None:
    """Say what a policy file allows, and see that it can be used."""
    policy = Policy.load(path)
    roster = policy.roster.keys if policy.roster else {}
    own = {one.name: one.public for one in identities(path.parent)}
    if as_json:
        keys = {name: fingerprint(public) for name, public in roster.items()}
        output.print_json({**policy.rules, "roster": keys})
        return
    lines = policy.lines()
    width = max(len(value) for _, value, _ in lines) + 2
    for name, value, what in lines:
        click.echo(f"{name:17}{value:{width}}{what}")
    for name, public in roster.items():
        here = "  (its key is here)" if name in own else ""
        click.echo(f"roster: {name}  {fingerprint(public)}{here}")
    for name, public in own.items():
        if name not in roster and roster:
            output.say(
                f"warning: the key of slave {name} lies beside it, and the roster has none of "
                f"{name}: add its line, or it masks in no run"
            )
        elif roster.get(name, public) != public:
            output.say(f"warning: the roster has another key of slave {name} than lies beside it")
    if policy.least_slaves and not policy.masks:
        output.say(
            "warning: least_slaves without masks is the master's promise: a single slave's sums "
            "reach it; add masks = true"
        )
    if policy.roster and not policy.masks:
        output.say("warning: a run without masks is worked for, too; masks = true forbids it")
    if policy.masks and policy.roster is None:
        output.say("warning: masks need the table [roster]; `fedredis identity make` prints lines")
