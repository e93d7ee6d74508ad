"""A run whose server, network, workers and master can be made to fail at exact points."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis
from threadpoolctl import threadpool_limits

from fedredis.arrays import Schema
from fedredis.config import RunConfig
from fedredis.connection import connect
from fedredis.data import synthetic
from fedredis.data.cut import write_partitions
from fedredis.data.manifest import read_manifest
from fedredis.data.partition import open_partition
from fedredis.exchanges import Setup, here
from fedredis.jobs.pool import ONE_THREAD
from fedredis.jobs.process import URL_VARIABLE
from fedredis.keys import JOINED
from fedredis.rounds.master import create_run

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterator

    from fedredis.embedded import EmbeddedServer
    from fedredis.exchanges import Exchange, Step

HERE = Path(__file__).parent
STOPPABLE = str(HERE / "stoppable.py")
FEDREDIS = str(Path(sys.executable).with_name("fedredis"))
ROUNDS = 4


def _beside(name: str) -> Any:
    """Load a module of this folder, which is no package; others know it by `faults_`name."""
    spec = importlib.util.spec_from_file_location(f"faults_{name}", HERE / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_server = _beside("server")
Server, until, refused = _server.Server, _server.until, _server.refused
entries_after = _server.entries_after
_processes = _beside("processes")
Gates, Process, PATIENCE = _processes.Gates, _processes.Process, _processes.PATIENCE
Proxy, Run, Trio = _beside("proxy").Proxy, _beside("run").Run, _beside("trio").Trio
_hosts = _beside("hosts")


@dataclass(frozen=True)
class Undisturbed:
    """What a run comes to when nothing happens to it."""

    sha256: str
    history: dict[str, dict[str, Any]]


def comparable(history: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return a history without the times."""
    return {
        name: {field: value for field, value in entry.items() if field != "ms"}
        for name, entry in history.items()
    }


@dataclass
class Site:
    """A server, a network, and all processes of a test; `close` ends what is left of them."""

    folder: Path
    server: Any
    client: Redis
    gates_url: str
    partitions: Callable[..., Path]
    leaving: ExitStack = field(default_factory=ExitStack)
    processes: list[Process] = field(default_factory=list)
    started: int = 0
    #: What runs a command on the host where the next processes are.
    prefix: list[str] = field(default_factory=list)

    def create(
        self, *, partitions: Path | None = None, on: Redis | None = None, **changes: Any
    ) -> Run:
        """Write a new run of three slaves and four rounds, which ends in a second or two."""
        folder = partitions or self.partitions()
        manifest = read_manifest(folder)
        settings: dict[str, Any] = {
            "dataset": manifest.dataset,
            "columns": manifest.columns,
            "classes": manifest.classes,
            "slaves": manifest.slaves,
            "rows": manifest.rows,
            "each": manifest.each,
            "source": str(folder),
            "rounds": ROUNDS,
            "features": "plain",
            "lease_ms": 600,
        }
        config, client = RunConfig(**{**settings, **changes}), on or self.client
        return Run(client, create_run(client, config), config)

    def worker(
        self, *, folder: Path | None = None, url: str | None = None, **faults: Any
    ) -> Process:
        """Start a stoppable worker, and wait until it is there."""
        seen = self.client.xlen(JOINED)
        command = [sys.executable, STOPPABLE, "worker", str(folder or self.partitions())]
        process = self._start(command, {URL_VARIABLE: url or self.server.url}, faults)
        cursor = b"0-0"
        while self.client.xlen(JOINED) == seen:
            entries = entries_after(self.client, JOINED, cursor)
            assert entries, process.said
            cursor = entries[-1][0]
        return process

    def pool(self, workers: int = 1, *, folder: Path | None = None, **faults: Any) -> Process:
        """Start ``fedredis slave`` with stoppable workers, which it replaces when they die."""
        return self.command(
            *("slave", "--data", folder or self.partitions(), "--workers", workers),
            **faults,
        )

    def master(
        self,
        run: Run,
        workers: int = 0,
        *,
        url: str | None = None,
        quorum: int | None = None,
        **faults: Any,
    ) -> Process:
        """Drive a run, in a process of its own; go on with it where it stands."""
        more = () if quorum is None else ("--quorum", quorum)
        return self.command(
            *("resume", run.run_id, "--workers", workers, "--json", *more), url=url, **faults
        )

    def command(self, *args: object, url: str | None = None, **faults: Any) -> Process:
        """Start a stoppable ``fedredis``."""
        command = [sys.executable, STOPPABLE, "fedredis", *map(str, args)]
        return self._start([*command, "--redis-url", url or self.server.url], {}, faults)

    def as_it_is(self, *args: object) -> Process:
        """Start a ``fedredis`` that nothing stops."""
        command = [FEDREDIS, *map(str, args), "--redis-url", self.server.url]
        return self._start(command, {}, {})

    def fedredis(self, *args: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command as it is to its end, and check its exit code."""
        done = subprocess.run(
            [*self.prefix, FEDREDIS, *map(str, args)],
            cwd=self.folder,
            env=self._environment({}, {}) | {"COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done

    def proxy(self) -> Any:
        """Start a proxy before the server."""
        proxy = Proxy(self.server.port)
        self.leaving.callback(proxy.close)
        return proxy

    def wait_for_worker(self) -> None:
        """Wait until a worker is there."""
        until(lambda: self.client.xlen(JOINED))

    def wait_for_list(self, key: str) -> list[str]:
        """Wait until a list holds something; return it."""
        until(lambda: self.client.llen(key))
        return [item.decode() for item in self.client.lrange(key, 0, -1)]

    def wait_for_failed_job(self, run: Run) -> None:
        """Wait until RQ takes a job of the run's shared queue for failed."""
        until(lambda: self.client.zcard(f"rq:failed:fedredis-{run.config.dataset}"))

    def wait_until_refused(self, client: Redis) -> None:
        """Wait until a server refuses to write, since it could not put that on its disk."""
        until(lambda: refused(client))

    def close(self) -> None:
        for process in self.processes:
            process.popen.kill()
            process.popen.wait()
        self.leaving.close()

    def _start(
        self, command: list[str], variables: dict[str, str], faults: dict[str, Any]
    ) -> Process:
        self.started += 1
        out, err = (self.folder / f"process-{self.started}.{end}" for end in ("out", "err"))
        with out.open("wb") as stdout, err.open("wb") as stderr:
            popen = subprocess.Popen(
                [*self.prefix, *command],
                cwd=self.folder,
                env=self._environment(variables, faults),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )
        process = Process(popen, out, err)
        self.processes.append(process)
        return process

    def _environment(self, variables: dict[str, str], faults: dict[str, Any]) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if k != "REDIS_URL"}
        own = {"GATES_URL": self.gates_url, "FAULTS": json.dumps(faults)}
        return {**inherited, **ONE_THREAD, **own, **variables}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def partitions(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that cuts generated songs for a number of slaves, or finds them cut.

    With `only`, the folder holds the files of these slaves alone.
    """
    folders: dict[Any, Path] = {}

    def cut(slaves: int = 3, only: tuple[int, ...] | None = None) -> Path:
        if (slaves, only) not in folders:
            folder = tmp_path_factory.mktemp("songs") / "partitions"
            if only is None:
                table = synthetic.generate(max(300, 4 * slaves))
                write_partitions(table, folder, slaves, seed=0, test_fraction=0.2)
            else:
                folder.mkdir()
                for name in ("manifest.json", *(f"slave-{slave}.npy" for slave in only)):
                    shutil.copy(cut(slaves) / name, folder)
            folders[slaves, only] = folder
        return folders[slaves, only]

    return cut


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test of this folder some minutes at most: where all is slow, each wait is long."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(6 * PATIENCE))


@pytest.fixture
def gates(server: EmbeddedServer) -> Iterator[Gates]:
    """Return gates that are open."""
    with Redis.from_url(server.url, socket_timeout=None) as client:
        yield Gates(client)


@contextmanager
def site_of(own: Any, folder: Path, gates_url: str, partitions: Any) -> Iterator[Site]:
    """Lend a site with a server that nobody uses yet."""
    try:
        own.start()
        with connect(own.here) as client:
            site = Site(folder, own, client, gates_url, partitions)
            try:
                yield site
            finally:
                site.close()
    finally:
        own.kill()


@pytest.fixture
def site(
    tmp_path: Path, server: EmbeddedServer, partitions: Callable[..., Path]
) -> Iterator[Site]:
    """Return a site with a server that nobody uses yet."""
    own = Server(tmp_path / "server", free_port())
    with site_of(own, tmp_path, server.url, partitions) as site:
        yield site


@pytest.fixture
def hosts() -> Iterator[Any]:
    """Return hosts with networks of their own: of a server, of a master, of three slaves."""
    made = _hosts.Hosts("redis", "master", "slave-0", "slave-1", "slave-2")
    try:
        made.make()
        yield made
    finally:
        made.remove()


@pytest.fixture
def remote_site(
    tmp_path: Path, server: EmbeddedServer, partitions: Callable[..., Path], hosts: Any
) -> Iterator[Site]:
    """Return a site with a server on the first of those hosts."""
    own = _hosts.Remote(tmp_path / "server", hosts, "redis")
    with site_of(own, tmp_path, server.url, partitions) as site:
        yield site


@pytest.fixture
def watched_site(
    tmp_path: Path, server: EmbeddedServer, partitions: Callable[..., Path]
) -> Iterator[Site]:
    """Return a site with a server, its replica, and Sentinels."""
    own = Trio(tmp_path / "trio", [free_port() for _ in range(5)])
    with site_of(own, tmp_path, server.url, partitions) as site:
        yield site


@pytest.fixture(scope="session")
def undisturbed() -> Callable[[RunConfig], Undisturbed]:
    """Return a function that tells what a run with this config comes to, in one process."""
    known: dict[str, Undisturbed] = {}

    def drive(config: RunConfig) -> Undisturbed:
        # How long anybody waits makes no difference.
        waits = {name: getattr(RunConfig, name) for name in ("lease_ms", "round_timeout_ms")}
        config = replace(config, **waits)
        if (asked := config.to_json()) not in known:
            known[asked] = _drive(config)
        return known[asked]

    return drive


def _drive(config: RunConfig) -> Undisturbed:
    rows = {slave: open_partition(Path(config.source), int(slave)) for slave in config.slave_ids}
    history: dict[str, dict[str, Any]] = {}

    def note(exchange: Exchange, step: Step) -> None:
        held_out = exchange.name.kind in ("evaluate", "scores")
        parts = [rows[slave] for slave in exchange.slaves]
        history[str(exchange.name)] = {
            "slaves": len(parts),
            "samples": sum(len(part.test_y if held_out else part.train_y) for part in parts),
            "missing": [],
            "refused": {},
            **json.loads(json.dumps(step.entry)),
        }

    with threadpool_limits(1, user_api="blas"):
        progress = here.drive(Setup(config), rows, seen=note)
    model = progress.artifacts[progress.model]
    return Undisturbed(Schema.of(model).sha256(list(model.values())), history)


@pytest.fixture
def assert_as_undisturbed(
    undisturbed: Callable[[RunConfig], Undisturbed],
) -> Callable[[Run], None]:
    """Return the oracle: a run came to what it would have come to without any fault."""

    def compare(run: Run) -> None:
        state, history, expected = run.state, run.history, undisturbed(run.config)
        assert (state.status, state.error) == ("finished", "")
        assert run.sha256 == expected.sha256
        # The rounds are contiguous, and each has each slave once: no other samples.
        assert comparable(history) == expected.history
        assert run.left_behind() == []
        assert not run.client.exists(run.keys.open, run.keys.lease)

    return compare


@pytest.fixture
def send() -> Callable[[int, signal.Signals], None]:
    """Return a function that sends a signal to a process."""
    return os.kill


@pytest.fixture
def ended() -> Callable[[int], None]:
    """Return a function that waits for the end of a process that others have started."""
    return _processes.wait_for_end
