"""``fedredis show``: where a run stands, its rounds, its slaves."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.console import Group
from rich.table import Table

from fedredis.api.outcome import FIGURES
from fedredis.api.records import show
from fedredis.assembly import measure_of
from fedredis.cli import options, output
from fedredis.cli.figures import called, written
from fedredis.cli.outcome import confusion_table, how_far, slave_table
from fedredis.cli.runs import started
from fedredis.keys import Kind, Label

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from fedredis.api.records import RunRecord
    from fedredis.store.runs import RunState

#: The config's fields that a person looks for first.
SHOWN = (
    *("dataset", "slaves", "seed", "features", "model", "strategy"),
    *("local_epochs", "batch_size", "learning_rate"),
)


@click.command(name="show")
@click.argument("run")
@options.redis
@options.as_json
def command(run: str, redis_url: str | None, home: Path, as_json: bool) -> None:
    """Show a run: where it stands, its rounds, its slaves."""
    record = show(run, redis_url=redis_url, home=home)
    if as_json:
        history = {str(label): entry for label, entry in record.history.items()}
        output.print_json({**asdict(record.state), "history": history})
        return
    output.results().print(
        Group(_head(record.state), _rounds(record), *_last(record), slave_table(record))
    )


def _head(state: RunState) -> RenderableType:
    head = Table.grid(padding=(0, 2))
    head.add_row("[dim]run[/]", f"[bold]{state.run_id}[/]")
    status = f"{state.status}: {state.error}" if state.error else state.status
    head.add_row("[dim]status[/]", status)
    head.add_row("[dim]rounds[/]", how_far(state))
    head.add_row("[dim]started[/]", started(state))
    for name in SHOWN:
        head.add_row(f"[dim]{name.replace('_', ' ')}[/]", str(getattr(state.config, name)))
    return head


def _rounds(record: RunRecord) -> Table:
    measure = measure_of(record.state.config)
    figures = [name for name in FIGURES if name in (measure.primary, "macro_f1", measure.loss)]
    table = Table(title="rounds", title_justify="left")
    for name in ("round", "slaves", "rows", "ms", "rate", *map(called, figures)):
        table.add_column(name, justify="right")
    for label, entry in record.history.items():
        if label.kind is not Kind.TRAIN:
            continue
        test = record.history.get(Label(Kind.EVALUATE, label.number), {})
        table.add_row(
            str(label.number),
            str(entry["slaves"]),
            str(entry["samples"]),
            f"{entry['ms']:.0f}",
            f"{entry['learning_rate']:.3f}",
            *(written(name, test.get(name)) for name in figures),
        )
    return table


def _last(record: RunRecord) -> list[RenderableType]:
    """Draw the confusion matrix of the model that the run stands for, or of the newest test."""
    tests = [entry for label, entry in record.history.items() if label.kind is Kind.EVALUATE]
    chosen = record.history.get(Label(Kind.EVALUATE, record.state.chosen))
    test = chosen or (tests[-1] if tests else {})
    if "confusion" not in test:
        return []
    return [confusion_table(record.state.config.classes, test["confusion"])]
