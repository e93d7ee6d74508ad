"""``fedredis predict``: tell the class of a song with a trained model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.table import Table

from fedredis.api.prediction import predict
from fedredis.cli import options, output
from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@click.command(name="predict")
@click.option("--run", required=True, help="The run whose model to use.")
@click.option("--song", metavar="NAME", help="Look this song up in the data.")
@click.option("--values", metavar="COLUMN=VALUE,…", help="The song's values, all columns.")
@options.songs
@options.label
@options.columns
@options.allow_models
@options.redis
@options.as_json
def command(
    run: str,
    song: str | None,
    values: str | None,
    data: Path | None,
    label: str | None,
    columns: Sequence[str] | None,
    allow_models: frozenset[str],
    redis_url: str | None,
    home: Path,
    as_json: bool,
) -> None:
    """Tell the class of a song with a trained model.

    It also prints how probable each class is. A song is looked up by its name in the run's
    data, or in --data.
    """
    prediction = predict(
        run,
        song=song,
        values=None if values is None else _parse(values),
        data=data,
        label=label,
        columns=columns,
        redis_url=redis_url,
        home=home,
        allow_models=allow_models,
    )
    answer, probabilities = prediction.answer, prediction.probabilities
    if isinstance(answer, float):
        if as_json:
            output.print_json({"run": run, "value": answer})
        else:
            output.results().print(f"[bold]{answer:.6g}[/]")
        return
    if as_json:
        output.print_json({"run": run, "class": answer, "probabilities": probabilities})
        return
    table = Table.grid(padding=(0, 2))
    for name, probability in probabilities.items():
        style = "bold" if name == answer else "dim"
        table.add_row(f"[{style}]{name}[/]", f"[{style}]{probability:.1%}[/]")
    output.results().print(f"[bold]{answer}[/]", table)


def _parse(values: str) -> dict[str, str]:
    """Read ``a=1,b=2``."""
    given: dict[str, str] = {}
    for pair in values.split(","):
        name, sign, value = pair.partition("=")
        if not sign:
            raise UsageError(f"--values: '{pair}' is not COLUMN=VALUE")
        given[name.strip()] = value
    return given
