"""Flower as it is deployed, all on loopback: a SuperLink, a SuperNode a slave, ``flwr run``."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers import flower_app
from benchmarks.peers.peer import Measurement, main

if TYPE_CHECKING:
    from benchmarks.work import Work

#: Seconds that a run may take in all: some to start, and some for each round.
START_LIMIT, ROUND_LIMIT = 120, 150
#: Seconds that a process has to end.
GRACE = 15

CHECKOUT = Path(__file__).resolve().parents[2]

PYPROJECT = """
[project]
name = "peers"
version = "1.0.0"
description = "The work of the comparison"
license = "Apache-2.0"
dependencies = []

[tool.flwr.app]
publisher = "peers"

[tool.flwr.app.components]
serverapp = "peers_app:server_app"
clientapp = "peers_app:client_app"
"""

APP = """
from benchmarks.peers.flower_app import make_client_app, make_server_app

client_app = make_client_app({root!r})
server_app = make_server_app({root!r})
"""


def measure(work: Work) -> Measurement:
    """Deploy, run the app once, and take everything down."""
    started = time.time()
    deadline = started + START_LIMIT + ROUND_LIMIT * work.config.rounds
    app, home = work.root / "app", work.root / "home"
    app.mkdir()
    home.mkdir()
    (app / "pyproject.toml").write_text(PYPROJECT)
    (app / "peers_app.py").write_text(APP.format(root=str(work.root)))
    link, *nodes = (f"127.0.0.1:{port}" for port in _free_ports(1 + work.config.slaves))
    (home / "config.toml").write_text(
        f'[superlink]\ndefault = "peers"\n\n[superlink.peers]\naddress = "{link}"\n'
        "insecure = true\n"
    )
    with ExitStack() as stack:
        stack.callback(_end_strays, home)
        processes = [
            _start(
                stack,
                home,
                *("flower-superlink", "--insecure", *_at(link)),
                "--disable-runtime-dependency-installation",
            )
        ]
        _await_port(link, processes[0], deadline)
        for slave, node in enumerate(nodes):
            own = f"partition-id={slave} num-partitions={work.config.slaves}"
            processes.append(
                _start(
                    stack,
                    home,
                    *("flower-supernode", "--insecure", "--superlink", link, *_at(node)),
                    *("--node-config", own),
                )
            )
        run = _start(stack, home, "flwr", "run", str(app), "peers")
        assert run.wait(max(1, deadline - time.time())) == 0, "`flwr run` has failed"
        while not (work.root / flower_app.RESULT).exists():
            assert time.time() < deadline, "the run took too long"
            assert all(p.poll() is None for p in processes), "a process has ended"
            time.sleep(0.2)
    return flower_app.read(work.root, started, {"supernodes": work.config.slaves})


def _start(stack: ExitStack, home: Path, program: str, *args: str) -> subprocess.Popen[bytes]:
    """Start one of Flower's programs in a group of its own, to be ended with the stack."""
    environment = {
        **os.environ,
        # Flower's processes start others by name, and import the work.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(CHECKOUT),
        "FLWR_HOME": str(home),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
    }
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name(program)), *args],
        env=environment,
        cwd=home,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    stack.callback(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process, and whatever is left of its group."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _end_strays(home: Path) -> None:
    """End what Flower's processes have started in sessions of their own: told by our `home`."""
    for environment in Path("/proc").glob("[0-9]*/environ"):  # elsewhere they end by themselves
        with suppress(OSError):
            if f"FLWR_HOME={home}\0".encode() in environment.read_bytes():
                os.kill(int(environment.parent.name), signal.SIGKILL)


def _at(address: str) -> tuple[str, ...]:
    host, _, port = address.partition(":")
    return ("--host", host, "--port", port)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _await_port(address: str, process: subprocess.Popen[bytes], deadline: float) -> None:
    host, _, port = address.partition(":")
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            assert process.poll() is None, "the SuperLink has ended"
            assert time.time() < deadline, "the SuperLink does not answer"
            time.sleep(0.2)
        else:
            return


if __name__ == "__main__":
    main("flower-deployed", version("flwr"), measure)
