"""``fedredis strategies``: list the strategies with their options."""

from __future__ import annotations

import inspect

import click
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fedredis.cli import options, output
from fedredis.strategies import STRATEGIES
from fedredis.strategies.options import options as options_of

#: Letters of a line below which there is no table.
NARROW = 60


@click.command(name="strategies")
@options.as_json
def command(as_json: bool) -> None:
    """List the strategies with their options.

    `fedredis run --strategy NAME --set OPTION=VALUE` uses one.
    """
    summaries = {
        name: (inspect.getdoc(strategy) or "").partition("\n")[0]
        for name, strategy in STRATEGIES.items()
    }
    if as_json:
        output.print_json(
            [
                {"strategy": name, "summary": summary, "options": _defaults(name)}
                for name, summary in summaries.items()
            ]
        )
        return
    console = output.results()
    if console.width < NARROW:
        for name, summary in summaries.items():
            console.print(Text(name, "bold"), _given(name).replace("\n", " "))
            console.print(Padding(summary, (0, 0, 0, 2)))
        return
    table = Table("strategy", "what it does")
    table.add_column("options", no_wrap=True)
    for name, summary in summaries.items():
        table.add_row(name, summary, _given(name))
    console.print(table)


def _defaults(name: str) -> dict[str, float | bool]:
    return {option.name: option.default for option in options_of(STRATEGIES[name])}


def _given(name: str) -> str:
    return "\n".join(f"{option}={_text(value)}" for option, value in _defaults(name).items())


def _text(value: float | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}"
