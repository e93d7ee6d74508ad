"""``fedredis partition``: cut data into one partition for each slave."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.box import HEAVY_HEAD
from rich.table import Table

from fedredis.api.datasets import partition
from fedredis.api.request import Request
from fedredis.api.writing import new_file
from fedredis.cli import options, output
from fedredis.cli.grouping import GroupedCommand
from fedredis.cli.tables import fits
from fedredis.config import RunConfig
from fedredis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fedredis.data.manifest import Manifest
    from fedredis.data.report import CutReport

#: How many slaves the table lists at most, and how many labels: the first number that fits.
SLAVES_LISTED, LABELS_LISTED = 20, (6, 4, 3, 2)


@click.command(name="partition", cls=GroupedCommand)
@click.argument("data", type=click.Path(path_type=Path, exists=True), required=False)
@click.option("--slaves", type=click.IntRange(min=1), required=True, help="Number of slaves.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder to write.",
)
@options.made_of(Request, "by")
@options.reading
@options.made_of(RunConfig, "seed")
@options.made_of(Request, "test_fraction")
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.png",
    help="Draw the cut, too (needs fedredis[plot]).",
)
@options.force
@options.as_json
def command(
    data: Path | None,
    slaves: int,
    out: Path,
    report: Path | None,
    force: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Cut data into one partition for each slave.

    Each has its own held-out rows. DATA is a CSV or Parquet file, or a folder of songs; without
    it, songs are generated. A slave needs `manifest.json` and its own `slave-<id>.npy`, and
    nothing else. What the cut came to is printed: rows and labels of each slave.
    """
    draw = None if report is None else _drawing(new_file(report, force=force))
    said = {name: value for name, value in asked.items() if value is not None}
    made = partition(data, slaves=slaves, out=out, **said)
    manifest, found = made.manifest, made.report
    output.say(
        f"{manifest.rows} rows in {slaves} partitions in {out}: data set {manifest.dataset}"
    )
    if draw is not None and report is not None:
        draw(
            found,
            f"Rows by {manifest.reading.label}: {manifest.dataset}, cut {manifest.cut}",
            report,
        )
    if as_json:
        output.print_json(_as_json(found, manifest))
        return
    results, title = output.results(), f"rows by {manifest.reading.label}, cut {manifest.cut}"
    tables = [
        _table(found.with_at_most(n), title, boxed=n > LABELS_LISTED[-1]) for n in LABELS_LISTED
    ]
    fitting = (table for table in tables if fits(results, table, results.width))
    results.print(next(fitting, tables[-1]))
    output.results().print(found.in_words, soft_wrap=True)


def _drawing(path: Path) -> Callable[[CutReport, str, Path], None]:
    """Return what draws, before anything is written."""
    if path.suffix.lower() != ".png":
        raise UsageError(f"{path}: the picture is a PNG, name it FILE.png", field="report")
    try:
        from fedredis.cli.cut_picture import draw
    except ImportError:
        raise UsageError(
            "draws with matplotlib, which is not there: pip install 'fedredis[plot]'",
            field="report",
        ) from None
    return draw


def _as_json(report: CutReport, manifest: Manifest) -> dict[str, Any]:
    """Return all of a report, slaves in the order of their ids."""
    each = zip(report.rows.tolist(), report.held_out.tolist(), report.counts.tolist(), strict=True)
    return {
        "dataset": manifest.dataset,
        "cut": manifest.cut,
        "rows": manifest.rows,
        "size_ratio": report.size_ratio,
        "label_distance": report.label_distance,
        "labels": report.labels,
        "slaves": [
            {"slave": slave, "rows": rows, "held_out": out, "counts": counts}
            for slave, (rows, out, counts) in enumerate(each)
        ],
    }


def _table(report: CutReport, title: str, *, boxed: bool) -> Table:
    """Draw the rows of each slave by label, the first slaves if there are many."""
    digits = len(str(report.counts.max()))
    rest = len(report.rows) - SLAVES_LISTED
    table = Table(
        box=HEAVY_HEAD if boxed else None,
        title=title,
        title_justify="left",
        caption=f"and {rest} more" if rest > 0 else None,
        caption_justify="left",
    )
    table.add_column("slave", justify="right", no_wrap=True)
    for name in report.labels:
        table.add_column(name, justify="right", overflow="fold", min_width=digits)
    for name in ("rows", "held out"):
        table.add_column(name, justify="right", no_wrap=True)
    each = zip(report.counts.tolist(), report.rows.tolist(), report.held_out.tolist(), strict=True)
    for slave, (counts, rows, out) in list(enumerate(each))[:SLAVES_LISTED]:
        table.add_row(*map(str, (slave, *counts, rows)), f"{out / rows:.0%}")
    return table
