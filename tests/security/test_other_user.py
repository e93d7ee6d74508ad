"""Another user of the same machine gets nowhere near the embedded server."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fedredis.embedded import EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

AS_NOBODY: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []}

#: Tries each way in, and says what came of it.
KNOCK = """
import socket, sys
home, port = sys.argv[1:]

def knock(family, address):
    with socket.socket(family) as door:
        door.settimeout(10)
        door.connect(address)
        door.sendall(b"GET fedredis:runs\\r\\n")
        return door.recv(100).decode().split()[0]

for way in (
    lambda: open(f"{home}/password").read(),
    lambda: open(f"{home}/server.log").read(),
    lambda: __import__("os").listdir(home),
    lambda: knock(socket.AF_UNIX, f"{home}/server.sock"),
    lambda: knock(socket.AF_INET, ("127.0.0.1", int(port))),
):
    try:
        print(str(way()).strip())
    except OSError as error:
        print(type(error).__name__)
"""


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    """Run an embedded server in a folder that all users can reach: only its own mode guards."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with EmbeddedServer.open(Path(folder) / "home") as running:
            yield running


@pytest.fixture
def python() -> str:
    """Return a Python that another user can run."""
    if os.geteuid():
        pytest.skip("only root can act as another user")
    for found in (sys.executable, "/usr/bin/python3"):
        with suppress(OSError):
            subprocess.run([found, "-I", "-S", "-c", ""], check=True, cwd="/", **AS_NOBODY)
            return found
    pytest.skip("another user can't run this Python")


def test_it(server, python):
    knock = [python, "-I", "-S", "-c", KNOCK, str(server.home), str(server.port)]

    def answers(**who):
        done = subprocess.run(knock, capture_output=True, text=True, check=True, cwd="/", **who)
        return done.stdout.splitlines()

    assert answers(**AS_NOBODY) == ["PermissionError"] * 4 + ["-NOAUTH"]
    # Its own user gets in, but for the password that the knocks leave out.
    password, *_, by_socket, by_port = answers()
    assert f":{password.strip()}@" in server.url
    assert (by_socket, by_port) == ("-NOAUTH", "-NOAUTH")
