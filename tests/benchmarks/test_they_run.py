"""The benchmarks go on working; what they measure is of no concern here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["asking", "--times", "1"], "`describe`"),
        (["load", "many"], "every update counted once"),
        (["large", "1"], "share of SET + GET"),
        (["terminal", "{scratch}", "--rounds", "4"], "watch.svg and top.svg are in"),
        (["nodes", "{scratch}/nodes.png", "--slaves", "3", "--rounds", "4"], "CPU"),
        (["strategies", "--seeds", "1", "--strategies", "newton"], "pooled fit"),
        (
            [
                *("peers", "--only", "floor", "floor-stacked", "fedredis"),
                *("--slaves", "10", "--rounds", "3", "--repetitions", "1"),
            ],
            "Every accuracy is the plain loop's",
        ),
        (["boosting", "losses", "--rounds", "12"], "every loss within 0.5%"),
        (["boosting", "speed", "--rounds", "2", "--repetitions", "1"], "bytes a round"),
        (["boosting", "memory", "--rounds", "1", "--slaves", "10"], "master at most"),
        (["masks", "--slaves", "4", "--repetitions", "1"], "bytes a slave"),
        (["growth", "--most-slaves", "100", "--most-parameters", "1000"], "exponent from"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_it_runs(command, shown, tmp_path):
    assert shown in told([word.format(scratch=tmp_path) for word in command])


def test_inference_is_as_the_docs_say():
    """Each line of what is compared stands there, with its figure and its value."""
    ran = told(["inference"]).splitlines()
    page = (ROOT / "docs" / "inference.md").read_text().partition(ran[0])[2].partition("\n\n")[0]
    found, documented = (
        [line.split("|")[1:4] for line in lines] for lines in (ran[2:], page.splitlines()[2:])
    )
    assert found == documented


def told(command: list[str]) -> str:
    """Run a benchmark; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{command[0]}", *command[1:]],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "160"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
