"""``fedredis predict``: tell the class of a song with a trained model."""

from __future__ import annotations

import heapq
from operator import itemgetter
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from fedredis.api.trained.prediction import predict
from fedredis.api.trained.table import predict_rows
from fedredis.cli import options, output
from fedredis.data.reading import OF_FILE, Reading
from fedredis.errors import UsageError

#: How many classes are listed at most, the most probable.
LISTED = 10


@click.command(name="predict")
@click.option("--run", help="The run whose model to use.")
@click.option(
    "--model",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Or a file that `fedredis export` wrote, .npz; it needs no Redis.",
)
@click.option("--song", metavar="NAME", help="Look this song up in the data.")
@click.option("--artist", metavar="NAME", help="Whose song it is, if several have the name.")
@click.option("--values", metavar="COLUMN=VALUE,…", help="The song's values, all columns.")
@click.option(
    "--csv",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Or a file of rows, of any format that a run reads, to be written to --out.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write: the rows of --csv with the model's answers; .csv, .tsv, .jsonl or "
    ".parquet.",
)
@options.force
@options.songs
@options.made_of(Reading, "label", "columns", "dates", *OF_FILE)
@options.allow_models
@options.redis
@options.as_json
def command(
    run: str | None,
    model: Path | None,
    song: str | None,
    artist: str | None,
    values: str | None,
    csv: Path | None,
    out: Path | None,
    force: bool,
    data: Path | None,
    allow_models: frozenset[str],
    redis_url: str | None,
    home: Path,
    as_json: bool,
    **reading: Any,
) -> None:
    """Tell the class of a song with a trained model.

    It also prints how probable each class is. A song is looked up by its name in the run's
    data, or in --data. With --csv and --out it does so for all rows of a file.
    """
    where: dict[str, Any] = {"redis_url": redis_url, "home": home, "allow_models": allow_models}
    reading = {name: value for name, value in reading.items() if value is not None}
    if csv is not None or out is not None:
        if csv is None or out is None or {song, artist, values, data} != {None}:
            raise UsageError("`csv` and `out` go together, and alone")
        rows = predict_rows(csv, run, model=model, out=out, force=force, **where, **reading)
        for line in rows.warnings:
            output.warn(line)
        output.say(f"{len(rows.frame):,} rows with the answers of run {rows.run} in {out}")
        return
    prediction = predict(
        run,
        model=model,
        song=song,
        artist=artist,
        values=None if values is None else options.values_of(values),
        data=data,
        **where,
        **reading,
    )
    odd = prediction.warnings
    for line in odd:
        output.warn(line)
    answer, probabilities = prediction.answer, prediction.probabilities
    if isinstance(answer, float):
        if as_json:
            output.print_json({"run": prediction.run, "value": answer, "warnings": odd})
        else:
            output.results().print(output.styled(f"{answer:.6g}", "bold"))
        return
    if as_json:
        told = {"class": answer, "probabilities": probabilities}
        output.print_json({"run": prediction.run, **told, "warnings": odd})
        return
    table = Table.grid(padding=(0, 2))
    for name, probability in heapq.nlargest(LISTED, probabilities.items(), key=itemgetter(1)):
        style = "bold" if name == answer else "dim"
        table.add_row(output.styled(name, style), output.styled(f"{probability:.1%}", style))
    output.results().print(output.styled(answer, "bold"), table)
    if (rest := len(probabilities) - LISTED) > 0:
        output.results().print(f"and {rest:,} more classes")
