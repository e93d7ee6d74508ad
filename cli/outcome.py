"""What a finished run came to, as tables."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from fedredis.api.outcome import FIGURES
from fedredis.assembly import measure_of
from fedredis.cli.figures import called, written
from fedredis.keys import RunKeys

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fedredis.api.outcome import Outcome
    from fedredis.api.records import RunRecord
    from fedredis.store.runs import RunState

#: How many slaves the table lists at most.
SLAVES_LISTED = 20


def render(outcome: Outcome, record: RunRecord) -> RenderableType:
    """Draw the outcome of a run as tables."""
    config = record.state.config
    measure = measure_of(config)
    measures = Table.grid(padding=(0, 2))
    for name, value in (
        ("run", outcome.run),
        *(_figures(outcome, measure.primary)),
        ("rounds", f"{how_far(record.state)}; {outcome.round_ms['p50']:.0f} ms each (median)"),
        ("seconds", f"{outcome.seconds:.1f}, of which set-up {outcome.setup_seconds:.1f}"),
        ("model", f"{RunKeys(outcome.run).artifact(f'model:{outcome.chosen}')}"),
        ("sha256", outcome.weights_sha256),
    ):
        measures.add_row(f"[dim]{name}[/]", value)
    confusion = [] if outcome.confusion is None else [outcome.confusion]
    return Group(
        measures,
        *(confusion_table(config.classes, counts) for counts in confusion),
        slave_table(record),
    )


def _figures(outcome: Outcome, primary: str) -> list[tuple[str, str]]:
    """Write the figures that there are, the primary one in bold."""
    values = {name: getattr(outcome, name) for name in FIGURES if name != "confusion"}
    texts = {name: written(name, value) for name, value in values.items() if value is not None}
    return [
        (called(name), f"[bold]{text}[/]" if name == primary else text)
        for name, text in texts.items()
    ]


def how_far(state: RunState) -> str:
    """Say how many rounds there were, and why there were no more; and which one counts."""
    rounds = str(state.round)
    if state.round < state.config.rounds:
        rounds += f" of {state.config.rounds}"
        if state.status == "finished":
            rounds += ", converged" if state.converged else ", out of patience"
    return rounds if state.chosen == state.round else f"{rounds}; the best is {state.chosen}"


def confusion_table(classes: tuple[str, ...], confusion: list[list[int]]) -> RenderableType:
    """Draw a confusion matrix, true classes down, predicted ones across."""
    # Not the table's own title, which would be folded to the width of a few short names.
    title = Text("held-out rows: true class by predicted class", "table.title")
    table = Table()
    table.add_column("")
    for name in classes:
        table.add_column(escape(name), justify="right")
    for i, (name, counts) in enumerate(zip(classes, confusion, strict=True)):
        marked = [f"[bold]{n}[/]" if i == j else str(n) for j, n in enumerate(counts)]
        table.add_row(escape(name), *marked)
    return Group(title, table)


def slave_table(record: RunRecord) -> Table:
    """Draw what is known of each slave, the first ones if there are many."""
    measure, rest = measure_of(record.state.config), len(record.slaves) - SLAVES_LISTED
    table = Table(
        title="slaves",
        title_justify="left",
        caption=f"and {rest} more" if rest > 0 else None,
        caption_justify="left",
    )
    figures = (measure.primary, measure.loss)
    for name in ("slave", "rows", "held out", *map(called, figures), "failures"):
        table.add_column(name, justify="right")
    table.add_column("worker")
    for slave, facts in islice(record.slaves.items(), SLAVES_LISTED):
        table.add_row(
            slave,
            escape(facts.get("rows", "-")),
            escape(facts.get("test_rows", "-")),
            *(written(name, facts.get(name)) for name in figures),
            escape(facts.get("failures", "0")),
            escape(f"…{facts['worker'][-8:]}") if "worker" in facts else "-",
        )
    return table
