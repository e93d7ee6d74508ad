"""``fedredis predict``: tell the class of a song with a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from rich.table import Table

from fedredis.cli import options, output
from fedredis.cli.session import session
from fedredis.config import check_name
from fedredis.data.manifest import NAME
from fedredis.data.source import load
from fedredis.errors import FedredisError, UsageError
from fedredis.master import parts
from fedredis.store import runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedredis.config import RunConfig


@click.command(name="predict")
@click.option("--run", required=True, help="The run whose model to use.")
@click.option("--song", metavar="NAME", help="Look this song up in the data.")
@click.option("--values", metavar="COLUMN=NUMBER,…", help="The song's values, all columns.")
@options.songs
@options.label
@options.columns
@options.redis
@options.as_json
def command(
    run: str,
    song: str | None,
    values: str | None,
    data: Path | None,
    label: str | None,
    columns: Sequence[str] | None,
    redis_url: str | None,
    home: Path,
    as_json: bool,
) -> None:
    """Tell the class of a song with a trained model.

    It also prints how probable each class is. A song is looked up by its name in the run's
    data, or in --data.
    """
    check_name(run, "run")
    if (song is None) == (values is None):
        raise UsageError("give either --song NAME or --values COLUMN=NUMBER,…")
    with session(redis_url, home) as opened:
        state = runs.read(opened.client, run)
        preprocessing = runs.artifact(opened.client, run, state.preprocessing)
        model = runs.artifact(opened.client, run, state.model)
    config = state.config
    if state.round == 0 or preprocessing is None or model is None:
        raise FedredisError(f"run {run} has no trained model yet: `fedredis resume {run}`")
    if values is not None:
        row = _parse(values, config)
    else:
        row = _look_up(str(song), config, data, label, columns)
    feature_map, estimator = parts(config)
    inputs = feature_map.transform(preprocessing.named, row[np.newaxis])
    probabilities = estimator.predict(model.arrays, inputs)[0]
    answer = config.classes[int(probabilities.argmax())]
    named = dict(zip(config.classes, (float(p) for p in probabilities), strict=True))
    if as_json:
        output.print_json({"run": run, "class": answer, "probabilities": named})
        return
    table = Table.grid(padding=(0, 2))
    for name, probability in named.items():
        style = "bold" if name == answer else "dim"
        table.add_row(f"[{style}]{name}[/]", f"[{style}]{probability:.1%}[/]")
    output.results().print(f"[bold]{answer}[/]", table)


def _parse(values: str, config: RunConfig) -> np.ndarray:
    """Read ``a=1,b=2`` into a row in the order of the run's columns."""
    names = [column.name for column in config.columns]
    given: dict[str, float] = {}
    for pair in values.split(","):
        name, _, number = pair.partition("=")
        try:
            given[name.strip()] = float(number)
        except ValueError:
            raise UsageError(f"--values: '{pair}' is not COLUMN=NUMBER") from None
    unknown = [name for name in given if name not in names]
    missing = [name for name in names if name not in given]
    if unknown or missing:
        wrong = [f"unknown: {', '.join(unknown)}"] if unknown else []
        wrong += [f"missing: {', '.join(missing)}"] if missing else []
        raise UsageError(f"--values must name every column once; {'; '.join(wrong)}")
    row = np.array([given[name] for name in names])
    if not np.isfinite(row).all():
        raise UsageError("--values: every number must be finite")
    return row


def _look_up(
    song: str,
    config: RunConfig,
    data: Path | None,
    label: str | None,
    columns: Sequence[str] | None,
) -> np.ndarray:
    """Find a song's row by its name."""
    source = data or (None if config.source == "synthetic" else Path(config.source))
    if source is not None and (not source.exists() or (source / NAME).exists()):
        raise UsageError(
            "the songs' names are not at hand: give --data with the CSV file or the folder that "
            "the partitions were cut from, or give --values"
        )
    if source is not None and source.is_file():
        label, columns = label or config.label, columns or [c.name for c in config.columns]
    table = load(source, label=label, columns=columns, seed=config.seed)
    if table.names is None:
        raise UsageError(f"{table.source} has no names of songs: give --values")
    if [c.name for c in table.columns] != [c.name for c in config.columns]:
        raise UsageError(f"{table.source} has other columns than the run's {config.dataset}")
    (found,) = np.nonzero(np.asarray(table.names) == song)
    if len(found) == 0:
        raise UsageError(f"there is no song named {song!r} in {table.source}")
    row: np.ndarray = table.X[found[0]]
    return row
