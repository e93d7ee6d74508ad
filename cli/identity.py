"""``fedredis identity``: the keys by which slaves know each other."""

from __future__ import annotations

from pathlib import Path

import click

from fedredis.api.keys import identities, make_identity
from fedredis.cli import output
from fedredis.errors import UsageError
from fedredis.secure.identity import Roster, fingerprint

folder = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("keys"),
    show_default=True,
    help="Where keys lie, which nobody but their owner can read.",
)


@click.group(name="identity")
def command() -> None:
    """Make the key of a slave, and show it to others.

    Slaves that mask their sums sign what they send each other. Each owner makes a key, sends the
    line for the roster to all others, and compares fingerprints with them by voice. The table
    [roster] of all lines stands in each slave's policy file.
    """


@command.command()
@click.argument("name")
@folder
def make(name: str, folder: Path) -> None:
    """Make a slave's key, and print its line for the roster."""
    made = make_identity(name, folder)
    click.echo(Roster.of([made]).to_toml(), nl=False)
    output.say(f"fingerprint of slave {name}: {fingerprint(made.public)}")


@command.command()
@folder
@click.option(
    "--roster",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Show the keys of a policy file's roster, not those of the folder.",
)
def show(folder: Path, roster: Path | None) -> None:
    """Show fingerprints."""
    keys = (Roster.load(roster) if roster else Roster.of(identities(folder))).keys
    if not keys:
        raise UsageError(f"no keys lie in {folder}: `fedredis identity make NAME` makes one")
    for name, public in keys.items():
        click.echo(f"{name}  {fingerprint(public)}")
