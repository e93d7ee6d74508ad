"""What all tests share: servers, a fake one, and where the real songs are."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import fakeredis
import pytest

from fedredis.connection import connect
from fedredis.embedded import EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis import Redis

#: The songs of six decades, beside the checkout; tests that need them are skipped without.
SONGS = Path(__file__).resolve().parents[2] / "shared" / "data" / "spotify-decades"


def pytest_configure() -> None:
    """Let processes that tests start be as people start them, however the tests were started."""
    # Who starts them in the background has them ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Output that is held back fails later, and elsewhere.
    os.environ.pop("PYTHONUNBUFFERED", None)


#: Folders whose tests start whole programs, kill them, and wait: minutes in all.
LONG = ("e2e", "faults", "hosts", "security", "web")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of those folders, and those in containers, which `make engine` runs."""
    here = Path(__file__).parent
    for item in items:
        if "engine" in getattr(item, "fixturenames", ()):
            item.add_marker("engine")
        if item.path.relative_to(here).parts[0] in LONG:
            item.add_marker("long")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterator[pytest.TestReport]:
    """Fail a test that is skipped for want of a system package, where those are to be there."""
    report: pytest.TestReport = yield
    wanting = report.skipped and "system package" in str(report.longrepr)
    if wanting and os.environ.get("FEDREDIS_REQUIRE_PACKAGES"):
        report.outcome = "failed"
    return report


@pytest.fixture(scope="session")
def engine() -> None:
    """Skip a test where no container engine answers, or it has no Compose."""
    for question in (("compose", "version"), ("info",)):
        try:
            subprocess.run(["docker", *question], capture_output=True, check=True, timeout=60)
        except (OSError, subprocess.SubprocessError):
            pytest.skip(f"no Docker engine with Compose (system package): docker {question[0]}")


@pytest.fixture
def songs() -> Path:
    """Return the folder of the real songs."""
    if not SONGS.is_dir():
        pytest.skip("the songs of six decades are not beside this checkout")
    return SONGS


@pytest.fixture
def fake() -> Iterator[Redis]:
    """Return a client of a fake Redis of its own, with Lua."""
    with fakeredis.FakeRedis(server=fakeredis.FakeServer(), protocol=2) as client:
        yield client


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """Run one real server for the whole session; `server` empties it for each test."""
    with EmbeddedServer.open(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def server(embedded: EmbeddedServer) -> EmbeddedServer:
    """Return a real server that holds nothing."""
    with connect(embedded.url) as client:
        client.flushall()
    return embedded


@pytest.fixture
def client(server: EmbeddedServer) -> Iterator[Redis]:
    """Return a client of a real server that holds nothing."""
    with connect(server.url) as connected:
        yield connected


#: What the package is made of.
SOURCES = ("fedredis", "jobs", "cli", "data", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the project's wheel, in a copy so that nothing is left in the checkout."""
    folder, root = tmp_path_factory.mktemp("wheel"), Path(__file__).resolve().parents[1]
    checkout = folder / "checkout"
    checkout.mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (root / name).is_dir() else shutil.copy
        copy(root / name, checkout / name)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--wheel-dir", str(folder), str(checkout)),
        ],
        check=True,
    )
    (built,) = folder.glob("*.whl")
    return built
