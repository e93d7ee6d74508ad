"""What a finished run came to, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from fedredis.errors import FedredisError
from fedredis.keys import Kind, RunKeys
from fedredis.store import runs

if TYPE_CHECKING:
    from redis import Redis
    from rich.console import RenderableType

#: How many slaves the table lists at most.
SLAVES_LISTED = 20


@dataclass(frozen=True)
class Outcome:
    """A run's final measure, read from its history."""

    run: str
    slaves: int
    workers: int
    rounds: int
    accuracy: float
    macro_f1: float
    log_loss: float
    #: true class by predicted class
    confusion: list[list[int]]
    #: From the command's start to the end of training, and what of it passed before round 1.
    seconds: float
    setup_seconds: float
    #: Milliseconds of a round of training, median and 95th percentile.
    round_ms: dict[str, float]
    weights_sha256: str
    redis_url: str


def read_outcome(
    client: Redis,
    run_id: str,
    *,
    workers: int,
    seconds: float,
    setup_seconds: float,
    redis_url: str,
) -> Outcome:
    """Put together the outcome of a run that has been evaluated.

    Raises
    ------
    FedredisError
        If the run has no evaluated model.
    """
    state = runs.read(client, run_id)
    model = runs.artifact(client, run_id, state.model)
    history = runs.history(client, run_id)
    tests = [entry for label, entry in history.items() if label.kind is Kind.EVALUATE]
    times = [entry["ms"] for label, entry in history.items() if label.kind is Kind.TRAIN]
    if model is None or not tests:
        raise FedredisError(f"run {run_id} has no model that was evaluated")
    last = tests[-1]
    p50, p95 = np.percentile(times, [50, 95])
    return Outcome(
        run=run_id,
        slaves=state.config.slaves,
        workers=workers,
        rounds=state.round,
        accuracy=last["accuracy"],
        macro_f1=last["macro_f1"],
        log_loss=last["log_loss"],
        confusion=last["confusion"],
        seconds=round(seconds, 3),
        setup_seconds=round(setup_seconds, 3),
        round_ms={"p50": round(p50, 3), "p95": round(p95, 3)},
        weights_sha256=model.sha256,
        redis_url=redis_url,
    )


def render(outcome: Outcome, client: Redis) -> RenderableType:
    """Draw the outcome as tables."""
    state = runs.read(client, outcome.run)
    measures = Table.grid(padding=(0, 2))
    for name, value in (
        ("run", outcome.run),
        ("accuracy", f"[bold]{outcome.accuracy:.2%}[/]"),
        ("macro F1", f"{outcome.macro_f1:.4f}"),
        ("log loss", f"{outcome.log_loss:.4f}"),
        ("rounds", f"{outcome.rounds}, {outcome.round_ms['p50']:.0f} ms each (median)"),
        ("seconds", f"{outcome.seconds:.1f}, of which set-up {outcome.setup_seconds:.1f}"),
        ("model", f"{RunKeys(outcome.run).artifact(state.model)}"),
        ("sha256", outcome.weights_sha256),
    ):
        measures.add_row(f"[dim]{name}[/]", value)
    return Group(
        measures,
        confusion_table(state.config.classes, outcome.confusion),
        slave_table(client, state),
    )


def confusion_table(classes: tuple[str, ...], confusion: list[list[int]]) -> Table:
    """Draw a confusion matrix, true classes down, predicted ones across."""
    table = Table(title="held-out rows: true class by predicted class", title_justify="left")
    table.add_column("")
    for name in classes:
        table.add_column(name, justify="right")
    for i, (name, counts) in enumerate(zip(classes, confusion, strict=True)):
        marked = [f"[bold]{n}[/]" if i == j else str(n) for j, n in enumerate(counts)]
        table.add_row(name, *marked)
    return table


def slave_table(client: Redis, state: runs.RunState) -> Table:
    """Draw what is known of each slave, the first ones if there are many."""
    ids = state.config.slave_ids[:SLAVES_LISTED]
    rest = state.config.slaves - len(ids)
    table = Table(
        title="slaves",
        title_justify="left",
        caption=f"and {rest} more" if rest else None,
        caption_justify="left",
    )
    for name in ("slave", "rows", "held out", "accuracy", "log loss", "failures"):
        table.add_column(name, justify="right")
    table.add_column("worker")
    for slave, facts in runs.slaves(client, state.run_id, ids).items():
        table.add_row(
            slave,
            escape(facts.get("rows", "-")),
            escape(facts.get("test_rows", "-")),
            _rounded(facts.get("accuracy"), "{:.2%}"),
            _rounded(facts.get("log_loss"), "{:.4f}"),
            escape(facts.get("failures", "0")),
            escape(f"…{facts['worker'][-8:]}") if "worker" in facts else "-",
        )
    return table


def _rounded(value: Any, form: str) -> str:
    try:
        return form.format(float(value)) if value is not None else "-"
    except ValueError:  # a slave may say anything
        return "?"
