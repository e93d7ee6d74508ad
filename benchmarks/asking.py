"""How long a question takes from the prompt to the table, with workers that are there.

    python -m benchmarks.asking

10 slaves with 10 columns of 1,000 rows each are served by two workers; each command is a process
of its own, and reads compiled modules, as an installed one does. Beside it stands what Python
takes to start and to import NumPy, redis-py, RQ and click, which nothing here can change: the
machine sets the scale. Processor time is that of the command's process alone.
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


def measure(words: tuple[str, ...], url: str, compiled: Path) -> tuple[float, float]:
    """Run a command; return seconds from start to end, and of processor time."""
    program = "import sys; from fedredis.cli.main import main; main(sys.argv[1:])"
    if words[0] == "-m":
        words = ("-c", program, *words[2:], "--redis-url", url)
    env = {**os.environ, "PYTHONPYCACHEPREFIX": str(compiled)}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, env=env)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} failed")
    return wall, usage.ru_utime + usage.ru_stime


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
            told: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
            # One after the other, so that what else the machine does befalls all alike; the first
            # time compiles, and wakes everybody up.
            for _ in range(times + 1):
                for name, words in COMMANDS.items():
                    told[name].append(measure(words, server.url, Path(folder) / "compiled"))
            for name, found in told.items():
                walls, used = zip(*found[1:], strict=True)
                shown = (np.median(walls), min(walls), min(used))
                print(f"| {name} | {' | '.join(f'{1000 * t:.0f}' for t in shown)} |", flush=True)


if __name__ == "__main__":
    main()
