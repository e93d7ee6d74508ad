"""A real shell completes commands and options."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fedredis.cli.main import COMMANDS


@pytest.fixture
def complete(call):
    """Return a function that lets bash complete a line of words, the last one begun."""
    if not shutil.which("bash"):
        pytest.skip("bash is a system package that is not here")

    def complete(*words):
        script = call("completion", "bash").out
        line = " ".join(f"'{word}'" for word in ("fedredis", *words))
        asked = f"{script}\nCOMP_WORDS=({line}) COMP_CWORD={len(words)}\n"
        asked += "_fedredis_completion fedredis\n"
        folder = Path(sys.executable).parent
        done = subprocess.run(
            ["bash", "-c", asked + 'printf "%s\\n" "${COMPREPLY[@]}"'],
            env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout.split()

    return complete


def test_commands(complete):
    assert complete("wat") == ["watch"]
    assert set(complete("")) == {*COMMANDS}


def test_options_and_choices(complete):
    assert "--rounds" in complete("run", "--ro")
    assert complete("run", "--log-format", "j") == ["json"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_one(call, shell):
    answer = call("completion", shell)
    assert answer.code == 0
    assert "_FEDREDIS_COMPLETE" in answer.out
