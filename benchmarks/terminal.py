"""Pictures of the terminal: ``python -m benchmarks.terminal FOLDER``.

A real run of ten slaves, each with a process of its own, one of which has a damaged file, as
``fedredis watch`` and ``fedredis top`` show it: ``watch.svg`` and ``top.svg``.
"""

from __future__ import annotations

import argparse
import io
import re
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, Group

import fedredis
from benchmarks.nodes import federation
from fedredis.cli.glance import EVENTS, Glance
from fedredis.cli.top import drawn
from fedredis.cli.watch import lately

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fedredis.api.following import Moment

SLAVES, WIDTH, HEIGHT = 10, 80, 24
#: The slave whose file is damaged, and after how much of the run the picture is taken.
DAMAGED, SEEN = 7, 0.75


def save(what: RenderableType, title: str, path: Path) -> None:
    """Write what a terminal shows as SVG, in fonts of who looks at it."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(what)
    svg = console.export_svg(title=title)
    path.write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL), "utf-8")


def look(run: str, url: str, rounds: int) -> tuple[Moment, list[str]]:
    """Follow a run to the moment of the picture."""
    happened: list[str] = []
    for moment in fedredis.follow(run, redis_url=url):
        happened = [*happened, *lately(moment)][-EVENTS:]
        if moment.record.state.round >= SEEN * rounds:
            break
    return moment, happened


def main() -> None:
    """Run, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=120)
    asked = parser.parse_args()
    run = "picture"
    with (
        tempfile.TemporaryDirectory() as scratch,
        federation(Path(scratch), SLAVES) as (server, dataset),
        ThreadPoolExecutor(1) as thread,
    ):
        own = Path(scratch) / f"of-{SLAVES}" / str(DAMAGED) / f"slave-{DAMAGED}.npy"
        own.write_bytes(own.read_bytes()[:-1] + b"?")
        at = {"dataset": dataset, "redis_url": server.url, "quorum": SLAVES - 1}
        begun = threading.Event()
        how = {"rounds": asked.rounds, "lease_ms": 1500, "report": lambda *_: begun.set(), **at}
        going = thread.submit(fedredis.run, id=run, workers=0, **how)
        begun.wait()
        moment, happened = look(run, server.url, asked.rounds)
        there = fedredis.workers(redis_url=server.url)
        going.result()
    frame = Group(*Glance(moment, happened).lines(WIDTH, HEIGHT))
    save(frame, f"fedredis watch {run}", asked.folder / "watch.svg")
    save(drawn(there, HEIGHT), "fedredis top", asked.folder / "top.svg")
    print(f"watch.svg and top.svg are in {asked.folder}")


if __name__ == "__main__":
    main()
