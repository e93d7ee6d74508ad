"""How long a question takes from the prompt to the table, with workers that are there.

    python -m benchmarks.asking

10 slaves with 10 columns of 1,000 rows each are served by two workers; each command is a process
of its own. Beside it stands what Python takes to start and to import NumPy, redis-py, RQ and
click, which nothing here can change: the machine sets the scale. Processor time is that of the
command's process alone.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

import fedredis
from fedredis.embedded import EmbeddedServer

SLAVES, COLUMNS, ROWS = 10, 10, 1000
FLOOR = ("-c", "import click, numpy, redis, rq")
COMMANDS = {
    "Python and its libraries": FLOOR,
    "`glm`, least squares": ("-m", "fedredis.cli.main", "glm", "--label", "y"),
    "`glm`, Poisson": ("-m", "fedredis.cli.main", "glm", "--label", "y", "--family", "poisson"),
    "`describe`": ("-m", "fedredis.cli.main", "describe"),
}


def measure(words: tuple[str, ...], times: int, url: str) -> tuple[list[float], list[float]]:
    """Run a command some times; return seconds from start to end, and of processor time."""
    program = "import sys; from fedredis.cli.main import main; main(sys.argv[1:])"
    if words[0] == "-m":
        words = ("-c", program, *words[2:], "--redis-url", url)
    walls, used = [], []
    for _ in range(times):
        began = time.perf_counter()
        process = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        walls.append(time.perf_counter() - began)
        used.append(usage.ru_utime + usage.ru_stime)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(words)} failed")
    return walls, used


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--times", type=int, default=9)
    times = parser.parse_args().times
    rng = np.random.default_rng(0)
    X = rng.normal(size=(SLAVES * ROWS, COLUMNS)).round(4)
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(COLUMNS)])
    frame["y"] = rng.poisson(np.exp(X.sum(axis=1) / 10))
    with TemporaryDirectory() as folder, EmbeddedServer.open(Path(folder) / "home") as server:
        cut = Path(folder) / "cut"
        fedredis.partition(frame, slaves=SLAVES, out=cut, label="", test_fraction=0.0)
        with fedredis.serving(cut, redis_url=server.url, workers=2):
            print("| what | median, ms | least, ms | processor, ms |")
            print("|---|---|---|---|")
            for name, words in COMMANDS.items():
                measure(words, 2, server.url)  # the first one wakes everybody up
                walls, used = measure(words, times, server.url)
                told = (np.median(walls), min(walls), min(used))
                print(f"| {name} | {' | '.join(f'{1000 * t:.0f}' for t in told)} |", flush=True)


if __name__ == "__main__":
    main()
