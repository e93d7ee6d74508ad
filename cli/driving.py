"""How a run looks that is driven from the command line: its wait, its progress, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedredis.api.inspection import read_record
from fedredis.cli import output
from fedredis.cli.progress import RunProgress
from fedredis.cli.run_tables import render

if TYPE_CHECKING:
    from fedredis.api.driver import Driver


def drive(driver: Driver, *, as_json: bool) -> None:
    """Drive a run to its end and print its outcome.

    Raises
    ------
    FedredisError
        If the run can't be completed; the line says how to go on with it.
    """
    notes, session = output.notes(), driver.session
    output.say(f"run {driver.run}; look into Redis with: {session.hint}", run=driver.run)
    try:
        with output.waiting() as say:
            driver.wait(say)
        with RunProgress(notes, driver.state, lambda: driver.state) as progress:
            outcome = driver.drive(progress, progress.say)
    except KeyboardInterrupt:
        output.say(f"stopped; go on with: {driver.resume}", run=driver.run)
        raise
    for line in outcome.warnings:
        output.warn(line, run=driver.run)
    if as_json:
        output.print_json(outcome.plain())
    else:
        output.results().print(render(outcome, read_record(session.client, driver.run)))
