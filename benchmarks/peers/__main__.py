"""All peers, in turn, in one session: ``python -m benchmarks.peers``.

Every measurement is a process of its own. The peers take turns, so that a machine that is slower
for a while is so for all of them, and the ratios are of measurements of the same repetition.
Sources that change meanwhile make a session worthless, so it fails.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

import benchmarks
import fedredis
from benchmarks.harness import SOURCE
from benchmarks.peers.catalogue import FAST, FEDREDIS, FLOOR, PEERS, STACKED
from benchmarks.peers.peer import typical
from fedredis import data, jobs

if TYPE_CHECKING:
    from benchmarks.peers.catalogue import Peer

#: Seconds that one measurement may take.
LIMIT = 1200
#: Seconds that a peer has to take down what it has started.
GRACE = 60

#: Medians of the rounds (ms), by repetition; by slaves and peer.
Medians = dict[tuple[int, str], dict[int, float]]


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    names = [peer.name for peer in PEERS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="PEER")
    parser.add_argument("--slaves", nargs="+", type=int, default=[*FAST], metavar="N")
    parser.add_argument("--rounds", type=int, help="instead of a number fit for each peer")
    parser.add_argument("--repetitions", type=int, default=3)
    asked = parser.parse_args()
    if asked.repetitions < 1 or min(asked.slaves) < 2 or (asked.rounds or 2) < 2:
        parser.error("there must be a repetition, and at least two slaves and two rounds")
    return asked


def sources() -> str:
    """Digest what is measured: fedredis as it is imported here, and the benchmarks."""
    digest = hashlib.sha256()
    roots = {Path(package.__path__[0]) for package in (benchmarks, fedredis, jobs, data)}
    for root in sorted(roots):
        for path in sorted(p for p in root.rglob("*") if p.suffix in {".py", ".lua"}):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def measure(peer: Peer, slaves: int, rounds: int) -> dict[str, Any]:
    """Run a peer in a process of its own.

    Raises
    ------
    RuntimeError
        If it fails, with the end of what it said.
    """
    command = [sys.executable, "-m", f"benchmarks.peers.{peer.module}"]
    command += ["--slaves", str(slaves), "--rounds", str(rounds)]
    with tempfile.TemporaryFile("w+") as log:  # processes of a peer may outlive it, and hold it
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            answer, _ = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"not done after {LIMIT} s") from None
        finally:
            end(process)
        log.seek(0)
        if process.returncode:
            raise RuntimeError("\n".join(log.read().splitlines()[-10:]))
    return json.loads(answer)


def end(process: subprocess.Popen[str]) -> None:
    """Interrupt a peer that still runs, so that it ends the processes that it has started."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def compare(console: Console, asked: argparse.Namespace) -> tuple[list[dict[str, Any]], int]:
    """Measure everything that was asked for; return the raw results, and how many failed."""
    peers = [peer for peer in PEERS if peer.name in asked.only]
    for peer in [peer for peer in peers if peer.missing]:
        packages = ", ".join(peer.missing)
        console.print(
            f"{peer.title} is left out: {packages} missing; install fedredis[peers]", markup=False
        )
        peers.remove(peer)
    results, failed = [], 0
    for repetition in range(asked.repetitions):
        for slaves in asked.slaves:
            for peer in peers:
                if (rounds := peer.rounds_for(slaves)) is None:
                    continue  # it would take too long
                try:
                    result = measure(peer, slaves, asked.rounds or rounds)
                except RuntimeError as error:
                    console.print(f"{peer.title}, {slaves} slaves: {error}", markup=False)
                    failed += 1
                    continue
                results.append({**result, "title": peer.title, "repetition": repetition})
                console.print(
                    f"{repetition + 1}/{asked.repetitions}  {slaves:5} slaves  {peer.title:22}"
                    f"{typical(result['round_ms']):10.1f} ms",
                    highlight=False,
                )
    return results, failed


def table(results: list[dict[str, Any]]) -> Table:
    """Lay out the medians over the repetitions, and the ratios within them."""
    medians: Medians = {}
    starts: dict[tuple[int, str], list[float]] = {}
    for result in results:
        key = result["slaves"], result["title"]
        medians.setdefault(key, {})[result["repetition"]] = typical(result["round_ms"])
        starts.setdefault(key, []).append(result["setup_seconds"])
    shown = Table(title="a round, median; the first is counted to the start", title_justify="left")
    shown.add_column("slaves", justify="right")
    shown.add_column("peer", no_wrap=True)
    for heading in ("ms", "x floor", "x stacked", "x fedredis", "start, s"):
        shown.add_column(heading, justify="right")
    before = None
    for (slaves, title), of_peer in medians.items():
        if before not in (None, slaves):
            shown.add_section()
        shown.add_row(
            str(slaves) if slaves != before else "",
            title,
            f"{statistics.median(of_peer.values()):,.1f}",
            _ratio(of_peer, medians.get((slaves, FLOOR.title), {})),
            _ratio(of_peer, medians.get((slaves, STACKED.title), {})),
            _ratio(of_peer, medians.get((slaves, FEDREDIS.title), {})),
            f"{statistics.median(starts[slaves, title]):.1f}",
        )
        before = slaves
    return shown


def _ratio(of_peer: dict[int, float], other: dict[int, float]) -> str:
    ratios = [
        of_peer[repetition] / other[repetition] for repetition in of_peer if repetition in other
    ]
    return f"{statistics.median(ratios):,.2f}" if ratios else "-"


def main() -> int:
    """Compare, and print the table; return 1 if a measurement has failed."""
    asked, console = options(), Console()
    load = f"load {os.getloadavg()[0]:.1f} before"
    console.print(f"{SOURCE}, {os.cpu_count()} cores, Python {platform.python_version()}, {load}")
    measured = sources()
    results, failed = compare(console, asked)
    if sources() != measured:
        console.print("The sources have changed during the session: measure again.")
        return 1
    versions = {result["title"]: result["version"] for result in results}
    console.print("; ".join(f"{title}: {version}" for title, version in versions.items()))
    console.print(table(results))
    console.print("Every accuracy is the plain loop's: the work is the same.")
    console.print(
        "fedredis trains slaves of one size as a stack: compare it with the stacked loop."
    )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
