"""``fedredis show``: where a run stands, its rounds, its slaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.console import Group

from fedredis.api import waiting
from fedredis.api.inspection import show
from fedredis.cli import answers, options, output, report
from fedredis.cli.confusion import Confusion, confusions
from fedredis.cli.resuming import resume_of
from fedredis.cli.run_tables import how_far, slave_table, slowest
from fedredis.cli.runs import started
from fedredis.cli.tables import Fitting, described
from fedredis.exchanges import finished
from fedredis.metrics import FIGURES

if TYPE_CHECKING:
    from pathlib import Path

    from rich.table import Table

    from fedredis.api.inspection import RunRecord

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
    """Show a run: where it stands, its rounds, its slaves.

    Of a round that is open, it says whom it waits for, and since when.
    """
    record = show(run, redis_url=redis_url, home=home)
    for line in record.warnings:
        output.warn(line)
    if as_json:
        output.print_json(record.plain())
        return
    if record.answer:
        answers.show(record.answer)
        return
    output.results().print(
        Group(
            slave_table(record),
            *_rounds(record),
            *report.tables(record.report),
            *_importance(record),
            *_last(record),
            *waiting.lines(record.open),
        ),
        _facts(record),
    )
    if record.state.resumable:
        output.say(f"go on with: {resume_of(record.state, redis_url, home)}")


def _facts(record: RunRecord) -> Table:
    state, primary = record.state, record.measure.primary
    settings = {name.replace("_", " "): getattr(state.config, name) for name in SHOWN}
    status = f"{state.status}: {state.error}" if state.error else state.status
    facts = {"run": state.run, "started": started(state), **settings}
    facts |= {**slowest(record), "rounds": how_far(state), "status": status}
    return described(facts, {FIGURES[primary].title: FIGURES[primary].write(state.score)})


def _rounds(record: RunRecord) -> list[Fitting]:
    measure = record.measure
    rows = []
    for name, entry in record.history.items():
        if (number := finished(name, entry)) is None:
            continue
        test = record.tests.get(number, {})
        rows.append(
            {
                "round": str(number),
                "slaves": str(entry["slaves"]),
                "rows": str(entry["samples"]),
                "ms": f"{entry['ms']:.0f}",
                "rate": f"{entry['learning_rate']:.3f}" if "learning_rate" in entry else "-",
                **{
                    FIGURES[name].title: FIGURES[name].write(test.get(name))
                    for name in measure.told
                },
            }
        )
    beside = [name for name in measure.told if name not in (measure.primary, measure.loss)]
    gives_way = ("rate", "rows", "ms", *(FIGURES[name].title for name in beside))
    return [Fitting(rows, "rounds", gives_way=gives_way)] if rows else []


def _importance(record: RunRecord) -> list[Fitting]:
    """Draw which columns the trees look at."""
    rows = [
        {"column": one["column"], "gain": f"{one['gain']:.1%}", "splits": str(one["splits"])}
        for one in record.importance or ()
    ]
    return [Fitting(rows, "importance", shrinks=["column"], words=["column"])] if rows else []


def _last(record: RunRecord) -> list[Confusion]:
    """Draw the confusion matrix of the model that the run stands for, or of the newest test."""
    return confusions(record.state.config.classes, record.test.get("confusion"))
