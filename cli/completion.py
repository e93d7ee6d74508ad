"""``fedredis completion``: what a shell needs to complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

#: Names to the shell what to set when it asks for what may come next.
VARIABLE = "_FEDREDIS_COMPLETE"


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands and options.

    In bash: eval "$(fedredis completion bash)"; in fish: fedredis completion fish | source.
    """
    # Of a shell that is one of the choices.
    if found := get_completion_class(shell):
        click.echo(found(ctx.find_root().command, {}, "fedredis", VARIABLE).source())
