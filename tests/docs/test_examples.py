"""The examples run, and print what they promise."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

#: What each of them prints.
PRINTED = {
    "songs.py": (
        r"run [0-9a-f]{8}: \d\d\.\d% of the songs held out are told right\n"
        r"Synthetic Song 000042 is of the ([XYZ])-Generation:\n"
        r"(  [XYZ]-Generation \d+\.\d%\n){3}"
    ),
}


def test_every_example_is_known():
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(PRINTED)


@pytest.mark.parametrize("name", PRINTED)
def test_it_prints(name, tmp_path):
    done = subprocess.run(
        [sys.executable, EXAMPLES / name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert re.fullmatch(PRINTED[name], done.stdout), done.stdout
