"""``fedredis strategies``: list the strategies with their options, and those of trees."""

from __future__ import annotations

import inspect
from typing import Any

import click
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fedredis.cli import options, output
from fedredis.exchanges.setup import BOOSTING
from fedredis.models import TREES
from fedredis.strategies import STRATEGIES
from fedredis.strategies.options import options as options_of
from fedredis.trees.boosting import Boosting

#: Letters of a line below which there is no table.
NARROW = 60


@click.command(name="strategies")
@options.as_json
def command(as_json: bool) -> None:
    """List the strategies with their options, and those of trees.

    `fedredis run --strategy NAME --set OPTION=VALUE` uses one; `fedredis run --model trees --set
    OPTION=VALUE` grows trees.
    """
    summaries = {name: _summary(strategy) for name, strategy in STRATEGIES.items()}
    told = Boosting.told()
    if as_json:
        listed: list[dict[str, Any]] = [
            {"strategy": name, "summary": summary, "options": options_of(STRATEGIES[name])}
            for name, summary in summaries.items()
        ]
        trees = {
            "strategy": BOOSTING,
            "summary": _summary(Boosting),
            "options": {name: default for name, (default, _) in told.items()},
            "meanings": {name: meaning for name, (_, meaning) in told.items()},
        }
        output.print_json([*listed, trees])
        return
    console = output.results()
    of_trees = {f"{name}={_text(default)}": meaning for name, (default, meaning) in told.items()}
    if console.width < NARROW:
        for name, summary in summaries.items():
            console.print(Text(name, "bold"), _given(name).replace("\n", " "))
            console.print(Padding(summary, (0, 0, 0, 2)))
        for option, meaning in of_trees.items():
            console.print(Text(TREES, "bold"), option)
            console.print(Padding(meaning, (0, 0, 0, 2)))
        return
    table = Table("strategy", "what it does")
    table.add_column("options", no_wrap=True)
    for name, summary in summaries.items():
        table.add_row(name, summary, _given(name))
    console.print(table)
    table = Table(f"option of --model {TREES}", "what it is")
    for option, meaning in of_trees.items():
        table.add_row(option, meaning)
    console.print(table)


def _summary(of: type) -> str:
    return (inspect.getdoc(of) or "").partition("\n")[0]


def _given(name: str) -> str:
    defaults = options_of(STRATEGIES[name])
    return "\n".join(f"{option}={_text(value)}" for option, value in defaults.items())


def _text(value: float | bool | str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else f"{value:g}"
