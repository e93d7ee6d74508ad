"""``fedredis top``: the workers that are there, and what they use."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.live import Live

from fedredis.api.session import session
from fedredis.api.workers import Worker, read_workers, wait_for_change
from fedredis.cli import options, output
from fedredis.cli.tables import Fitting

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import RenderableType

#: Lines of a terminal that are no worker's: the title, the heading, how many are not shown.
AROUND = 4


@click.command(name="top")
@click.option("--once", is_flag=True, help="Show them once, and end.")
@options.redis
@options.as_json
def command(once: bool, redis_url: str | None, home: Path, as_json: bool) -> None:
    """Show the workers that are there, and what they use.

    Those that use most come first, again and again until Ctrl-C. CPU is the share of one core
    over the last few seconds, children included; memory is resident. Without a terminal they are
    shown once.
    """
    console = output.results()
    with session(redis_url, home) as opened:
        client = opened.client
        if as_json:
            output.print_json([asdict(worker) for worker in read_workers(client)])
        elif once or not console.is_terminal:
            console.print(drawn(read_workers(client), None))
        else:
            with Live(console=console, screen=True, auto_refresh=False) as live:
                while True:
                    live.update(drawn(read_workers(client), console.height), refresh=True)
                    wait_for_change(client)


def drawn(there: Sequence[Worker], height: int | None) -> RenderableType:
    """Draw workers in a terminal of so many lines; all of them if it has none."""
    if not there:
        return "no workers are there: `fedredis slave` starts some"
    busiest = sorted(there, key=lambda worker: (-(worker.cpu or 0), worker.name))
    shown = busiest if height is None else busiest[: max(1, height - AROUND)]
    cores = sum(worker.cpu or 0 for worker in there)
    memory = sum(worker.memory_mb or 0 for worker in there)
    return Fitting(
        [_row(worker) for worker in shown],
        f"{len(there)} worker{'s' * (len(there) > 1)}, {cores:.2f} cores, {memory:,.0f} MiB",
        rest=len(there) - len(shown),
        lines=False,
        words=("worker", "host", "slaves", "run", "job"),
        shrinks=("host", "slaves"),
        gives_way=("pid", "host", "job", "seen"),
    )


def _row(worker: Worker) -> dict[str, str]:
    return {
        "worker": f"…{worker.name[-8:]}",
        "slaves": "all" if worker.slaves is None else ",".join(worker.slaves),
        "cpu": "-" if worker.cpu is None else f"{worker.cpu:.0%}",
        "MiB": "-" if worker.memory_mb is None else f"{worker.memory_mb:.0f}",
        "run": worker.run or "-",
        "job": worker.job or "idle",
        "seen": f"{worker.seen:.0f}s",
        "host": worker.host,
        "pid": str(worker.pid),
    }
