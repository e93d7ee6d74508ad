"""The command that serves the page."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

FEDREDIS = str(Path(sys.executable).with_name("fedredis"))
SECRET = "a long password"


def start(folder: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    """Start a command in a folder."""
    inherited = {k: v for k, v in os.environ.items() if k != "REDIS_URL"}
    return subprocess.Popen(
        [FEDREDIS, *words],
        cwd=folder,
        env={**inherited, **environment},
        stderr=subprocess.PIPE,
        text=True,
    )


def asked(url: str) -> object:
    """Ask the page for JSON."""
    request = Request(url, headers={"Authorization": f"Bearer {SECRET}"})
    with urlopen(request, timeout=30) as answer:
        return json.load(answer)


@pytest.mark.parametrize("by", ["file", "variable"])
def test_it_serves_until_it_is_stopped(tmp_path, by):
    (tmp_path / "password").write_text(f"{SECRET}\n")
    how = {} if by == "file" else {"FEDREDIS_WEB_PASSWORD": SECRET}
    words = ("--password-file", "password") if by == "file" else ()
    with start(tmp_path, "web", "--host", "0.0.0.0", "--port", "0", *words, **how) as page:
        assert page.stderr
        line = page.stderr.readline()
        assert line.endswith(" is up; Ctrl-C stops it\n")
        address = line.split()[0].replace("0.0.0.0", "127.0.0.1")
        assert asked(f"{address}api/runs") == {"runs": [], "page": 1, "total": 0}
        page.send_signal(signal.SIGINT)
        assert page.wait(30) == 0
        assert page.stderr.read() == ""


def test_a_door_that_is_open_to_all_is_refused(tmp_path):
    with start(tmp_path, "web", "--host", "0.0.0.0") as page:
        _, said = page.communicate(timeout=60)
    assert page.returncode == 2
    assert said.startswith("fedredis: --host 0.0.0.0 lets other machines in: set a password")
    assert "--password-file" in said
    assert said.count("\n") == 1
    assert not (tmp_path / ".fedredis").exists()


def test_a_run_with_the_page_beside_it(tmp_path):
    words = ("run", "--slaves", "2", "--rounds", "2", "--web", "--id", "seen", "--workers", "1")
    with start(tmp_path, *words, FEDREDIS_WEB_PASSWORD=SECRET) as run:
        assert run.stderr
        for line in run.stderr:
            if "the page stays at" in line:
                break
        address = line.split("the page stays at ")[1].split(";")[0]
        told = asked(f"{address}api/runs/seen")
        assert isinstance(told, dict)
        assert told["status"] == "finished"
        run.send_signal(signal.SIGINT)
        assert run.wait(30) == 0
