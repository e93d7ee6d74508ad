"""What is started while Redis is away, and what is stopped twice."""

from __future__ import annotations

import fcntl
import signal
from typing import TYPE_CHECKING

import pytest

from fedredis.embedded import EmbeddedServer
from fedredis.redis_url import PASSWORD_FILE, without_password

if TYPE_CHECKING:
    import subprocess


def line_with(process: subprocess.Popen[str], text: str) -> str:
    """Read standard error up to the line that has a text in it."""
    assert process.stderr
    for line in process.stderr:
        if text in line:
            return line
    pytest.fail(f"it never says '{text}'")


def test_a_slave_waits_for_a_redis_that_is_away(shell, tmp_path, monkeypatch):
    home = tmp_path / "server"
    with EmbeddedServer.open(home) as server:
        url = without_password(server.tcp_url)
    # So it is in nobody's list of processes.
    monkeypatch.setenv(PASSWORD_FILE, str(home / "password"))
    shell.run("data", "synth", "--songs", 60, "--out", "songs.csv")
    shell.run("partition", "songs.csv", "--label", "decade", "--slaves", 2, "--out", "parts")
    with shell.start("slave", "--data", "parts", "--redis-url", url) as slave:
        told = line_with(slave, "Redis unreachable")
        assert told.endswith("; trying until it answers\n")
        with EmbeddedServer.open(home):
            assert line_with(slave, " for ").startswith("1 worker for 2 of 2 slaves of ")
            at = ("--rounds", 1, "--redis-url", url)
            assert shell.json("run", *at)["rounds"] == 1
            slave.send_signal(signal.SIGINT)
            assert slave.wait(60) == 0


@pytest.mark.parametrize(
    "signals", [(signal.SIGINT,) * 3, (signal.SIGTERM,) * 2, (signal.SIGHUP,) * 2]
)
def test_a_run_that_is_stopped_leaves_no_server(shell, signals):
    with shell.start("run", "--slaves", 2, "--rounds", 100_000) as run:
        line_with(run, "look into Redis")
        for number in signals:
            run.send_signal(number)
        _, said = run.communicate(timeout=60)
    assert run.returncode in (130, -signals[0])
    assert "Traceback" not in said
    with (shell.folder / ".fedredis" / "server.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)  # nobody holds it


def test_a_run_with_an_id_is_stopped_from_elsewhere_and_goes_on(shell):
    many = ("--slaves", 2, "--rounds", 3000, "--workers", 1, "--id", "my-run")
    with shell.start("run", *many) as run:
        # Asked before, it would find no master in charge.
        line_with(run, "look into Redis")
        while "running" not in shell.run("show", "my-run").stdout:
            pass
        said = shell.run("stop", "my-run").stderr
        assert said == "run my-run is stopped; go on with: fedredis resume my-run\n"
        _, said = run.communicate(timeout=60)
    assert run.returncode == 1
    assert "fedredis: run my-run was asked to stop; go on with: fedredis resume my-run" in said
    assert "no master drives run my-run" in shell.run("stop", "my-run", code=1).stderr
    assert "there is a run my-run already" in shell.run("run", "--id", "my-run", code=2).stderr
