"""``fedredis show``: where a run stands, its rounds, its slaves."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group
from rich.table import Table

from fedredis.cli import options, output
from fedredis.cli.outcome import confusion_table, slave_table
from fedredis.cli.runs import started
from fedredis.cli.session import session
from fedredis.config import check_name
from fedredis.keys import Kind, Label
from fedredis.store import runs

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from fedredis.store.runs import RunState

#: The config's fields that a person looks for first.
SHOWN = ("dataset", "slaves", "seed", "features", "local_epochs", "batch_size", "learning_rate")


@click.command(name="show")
@click.argument("run")
@options.redis
@options.as_json
def command(run: str, redis_url: str | None, home: Path, as_json: bool) -> None:
    """Show a run: where it stands, its rounds, its slaves."""
    check_name(run, "run")
    with session(redis_url, home) as opened:
        state = runs.read(opened.client, run)
        history = runs.history(opened.client, run)
        slaves = slave_table(opened.client, state)
    if as_json:
        named = {str(label): entry for label, entry in history.items()}
        output.print_json({**asdict(state), "history": named})
        return
    output.results().print(Group(_head(state), _rounds(history), *_last(state, history), slaves))


def _head(state: RunState) -> RenderableType:
    head = Table.grid(padding=(0, 2))
    head.add_row("[dim]run[/]", f"[bold]{state.run_id}[/]")
    status = f"{state.status}: {state.error}" if state.error else state.status
    head.add_row("[dim]status[/]", status)
    head.add_row("[dim]round[/]", f"{state.round} of {state.config.rounds}")
    head.add_row("[dim]started[/]", started(state))
    for name in SHOWN:
        head.add_row(f"[dim]{name.replace('_', ' ')}[/]", str(getattr(state.config, name)))
    return head


def _rounds(history: dict[Label, dict[str, Any]]) -> Table:
    table = Table(title="rounds", title_justify="left")
    names = ("round", "slaves", "rows", "ms", "rate", "accuracy", "macro F1", "log loss")
    for name in names:
        table.add_column(name, justify="right")
    for label, entry in history.items():
        if label.kind is not Kind.TRAIN:
            continue
        test = history.get(Label(Kind.EVALUATE, label.number), {})
        table.add_row(
            str(label.number),
            str(entry["slaves"]),
            str(entry["samples"]),
            f"{entry['ms']:.0f}",
            f"{entry['learning_rate']:.3f}",
            f"{test['accuracy']:.2%}" if test else "-",
            f"{test['macro_f1']:.4f}" if test else "-",
            f"{test['log_loss']:.4f}" if test else "-",
        )
    return table


def _last(state: RunState, history: dict[Label, dict[str, Any]]) -> list[RenderableType]:
    tests = [entry for label, entry in history.items() if label.kind is Kind.EVALUATE]
    return [confusion_table(state.config.classes, tests[-1]["confusion"])] if tests else []
