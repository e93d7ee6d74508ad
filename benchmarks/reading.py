"""Reading: ``python -m benchmarks.reading``: a million rows of 20 columns, beside pandas alone.

Each reading is a process of its own, so that the most memory it has held is its own. Of the file
there are three dialects: as programs write CSV, as a German Excel does, and that in gzip.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

#: What is read, and what reading may cost, as a multiple of what it costs pandas.
ROWS, COLUMNS = 1_000_000, 20
MOST_SECONDS, MOST_MEMORY = 1.5, 2.0

MB = 1 << 20

#: Dialects: name, end of the file's name, how pandas writes it, and how it is told to read it.
DIALECTS = (
    ("plain", ".csv", {}, {}),
    ("German Excel", ".csv", {"sep": ";", "decimal": ",", "encoding": "cp1252"},
     {"sep": ";", "decimal": ",", "encoding": "cp1252"}),
    ("German Excel, gzip", ".csv.gz", {"sep": ";", "decimal": ","}, {"sep": ";", "decimal": ","}),
)  # fmt: skip

#: A process that reads a file and prints seconds and the most memory, above its start (bytes).
PROCESS = """
import json, re, sys, time
from pathlib import Path
import pandas
import fedredis.data.file as file
from fedredis.data.reading import Reading
# Not what getrusage tells, which begins with the peak of who has started the process.
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
before, started = peak(), time.process_time()
if sys.argv[1] == "pandas":
    pandas.read_csv(sys.argv[2], **json.loads(sys.argv[3]))
else:
    table = file.read(Path(sys.argv[2]), Reading(label="outcome"))
    assert table.X.shape == (ROWS, COLUMNS - 1)
print(time.process_time() - started, peak() - before)
"""


def write(folder: Path, rows: int = ROWS) -> list[Path]:
    """Write the table in each dialect: numbers of 5 and of 17 digits, whole ones, text."""
    rng = np.random.default_rng(0)
    values = rng.normal(100, 15, (rows, COLUMNS - 4))
    values[:, ::2] = values[:, ::2].round(2)
    frame = pd.DataFrame(values).add_prefix("value ")
    frame["age"], frame["visits"] = rng.integers(18, 95, rows), rng.integers(0, 9, rows)
    frame["ward"] = rng.choice(["Süd", "Nord", "West"], rows)
    frame["outcome"] = rng.choice(["well", "ill"], rows)
    paths = []
    for name, end, how, _ in DIALECTS:
        paths.append(folder / f"{name}{end}")
        frame.to_csv(paths[-1], index=False, **how)
    return paths


def measure(reader: str, path: Path, how: dict[str, str], rows: int) -> tuple[float, float]:
    """Read a file in a process of its own: seconds of a core, and the most memory (bytes)."""
    text = PROCESS.replace("ROWS", str(rows)).replace("COLUMNS", str(COLUMNS))
    words = [sys.executable, "-c", text, reader, str(path), json.dumps(how)]
    told = subprocess.run(words, check=True, capture_output=True, text=True, env={**os.environ})
    seconds, memory = told.stdout.split()
    return float(seconds), float(memory)


def main(rows: int = ROWS, repeats: int = 3) -> bool:
    """Measure and draw; say whether all is within the bounds. The best of some times counts."""
    table = Table(f"{rows:,} rows, {COLUMNS} columns", "pandas", "fedredis", "time", "memory")
    fits = True
    with tempfile.TemporaryDirectory() as folder:
        for path, (name, _, _, how) in zip(write(Path(folder), rows), DIALECTS, strict=True):
            measured = {
                reader: [measure(reader, path, how, rows) for _ in range(repeats)]
                for reader in ("pandas", "fedredis")
            }
            (s, m), (seconds, memory) = (
                (min(s for s, _ in each), min(m for _, m in each)) for each in measured.values()
            )
            shown = [f"{s:.2f} s, {m / MB:.0f} MB", f"{seconds:.2f} s, {memory / MB:.0f} MB"]
            table.add_row(name, *shown, f"{seconds / s:.2f}", f"{memory / m:.2f}")
            fits &= seconds <= MOST_SECONDS * s and memory <= MOST_MEMORY * m
    Console().print(table)
    return fits


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
