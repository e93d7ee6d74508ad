"""What tests of several hosts share: a cloud on this machine, and Docker's engine."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from redis.backoff import ConstantBackoff
from redis.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
#: What the cloud asks for, and looks at no further.
LOGIN = {
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
    "AWS_DEFAULT_REGION": "eu-central-1",
}


@pytest.fixture
def free_port() -> int:
    """Return a port that nobody listens on."""
    return a_port()


def a_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    """Wait until something listens at a port."""
    retry = Retry(ConstantBackoff(0.1), 3000, (OSError,))
    retry.call_with_retry(
        lambda: socket.create_connection(("127.0.0.1", port)).close(), lambda _: None
    )


@pytest.fixture
def listens() -> Callable[[int], None]:
    """Return a function that waits until something listens at a port."""
    return wait_for


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run moto's server, which is an AWS of its own; return its URL."""
    pytest.importorskip("moto", reason="moto, of the extra deploy-check, is not installed")
    port, program = a_port(), Path(sys.executable).with_name("moto_server")
    url = f"http://127.0.0.1:{port}"
    for name, value in {**LOGIN, "AWS_ENDPOINT_URL": url}.items():
        monkeypatch.setenv(name, value)
    with subprocess.Popen(
        [program, "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            wait_for(port)
            yield url
        finally:
            server.terminate()


@pytest.fixture(scope="session")
def host_image(engine: None) -> str:
    """Build an image of a fresh host; return its name."""
    name = "fedredis-test-host"
    command = ["docker", "build", "--quiet", "--network", "host", "--tag", name, str(HERE)]
    subprocess.run(command, check=True)
    return name


@pytest.fixture
def on_path(tmp_path: Path) -> Path:
    """Return a folder of programs that stands before all others, with fedredis in it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "fedredis").symlink_to(Path(sys.executable).with_name("fedredis"))
    return folder
