"""Federations in containers of a real engine."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import sys
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from fedredis.connection import connect
from fedredis.keys import RunKeys
from fedredis.store import runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redis import Redis

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
FEDREDIS = str(Path(sys.executable).with_name("fedredis"))
IMAGE = "fedredis-test"
#: Where an engine listens, if nothing else is said.
SOCKET = "unix:///var/run/docker.sock"
#: Milliseconds that a test waits for something that has to happen.
PATIENCE_MS = 60_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test of this folder the time that seventy containers take to come up."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(420))


@dataclass
class Master:
    """A training that goes on in a container."""

    popen: subprocess.Popen[str]
    container: str
    run: str

    def ends(self, code: int = 0) -> dict[str, Any]:
        """Wait for its end; return what it has printed."""
        out, err = self.popen.communicate(timeout=PATIENCE_MS / 1000)
        assert self.popen.returncode == code, err
        told: dict[str, Any] = json.loads(out) if out else {}
        return told


@dataclass
class Federation:
    """A project of the compose file, with a name of its own."""

    slaves: int = 3
    files: tuple[str, ...] = ("docker-compose.yml",)
    variables: dict[str, str] = field(default_factory=dict)
    project: str = field(default_factory=lambda: f"fedredis-test-{secrets.token_hex(3)}")
    masters: list[Master] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        told = {
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_FILE": ":".join(self.files),
            "NUM_SLAVES": str(self.slaves),
            "FEDREDIS_IMAGE": IMAGE,
            "FEDREDIS_BUILD_NETWORK": "host",
            "FEDREDIS_WEB_PORT": "0",
        }
        return {**os.environ, **told, **self.variables}

    def call(self, *words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command in the checkout, with this project's variables, and check its code."""
        done = subprocess.run(
            [*map(str, words)],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=400,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done

    def docker(self, *words: object, code: int = 0) -> str:
        """Run a command of docker's; return what it prints."""
        return self.call("docker", *words, code=code).stdout.strip()

    def inspect(self, name: str) -> dict[str, Any]:
        """Return all that the engine knows of a container or an image."""
        (known,) = json.loads(self.docker("inspect", name))
        found: dict[str, Any] = known
        return found

    def compose(self, *words: object, code: int = 0) -> str:
        """Run a command of Compose; return what it prints."""
        return self.call("docker", "compose", *words, code=code).stdout

    def train(self, *options: object) -> dict[str, Any]:
        """Train to the end; return the outcome."""
        told: dict[str, Any] = json.loads(
            self.compose("run", "--rm", "-T", "master", *options, "--json")
        )
        return told

    def master(self, *options: object) -> Master:
        """Begin a training, or go on with one, and leave it to itself."""
        popen = subprocess.Popen(
            ["docker", "compose", "run", "--rm", "-T", "master", *map(str, options), "--json"],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        said = ""
        for line in popen.stderr or ():
            said += line
            if found := re.match(r"run (\w+);", line):
                break
        else:
            raise AssertionError(said)
        (container,) = self.docker(
            *("ps", "--format", "{{.Names}}"),
            *("--filter", f"name=^{self.project}-master-run-"),
        ).split()
        self.masters.append(Master(popen, container, found[1]))
        return self.masters[-1]

    def end_masters(self) -> None:
        """End trainings that a test has left behind."""
        while self.masters:
            master = self.masters.pop()
            if master.popen.poll() is None:
                self.docker("rm", "--force", master.container)
            master.popen.communicate(timeout=30)

    def container(self, service: str, number: int = 1) -> str:
        return f"{self.project}-{service}-{number}"

    def exec(self, container: str, *words: object, code: int = 0) -> str:
        return self.docker("exec", container, *words, code=code)

    def pause(self, container: str) -> None:
        """Let a container stand still; an engine on cgroups v1 may fail to, on a busy machine."""
        retry: Any = Retry(ConstantBackoff(0.5), 10, (AssertionError,))
        retry.call_with_retry(lambda: self.docker("pause", container), lambda _: None)

    def wait_until_healthy(self, container: str) -> None:
        """Wait for the next look at a container: the engine takes a paused one for unhealthy."""

        def look() -> None:
            assert self.inspect(container)["State"]["Health"]["Status"] == "healthy"

        retry: Any = Retry(ConstantBackoff(0.2), 300, (AssertionError,))
        retry.call_with_retry(look, lambda _: None)

    def usage(self, name: str) -> tuple[float, float]:
        """Tell the processor time (s) of a container since its start, and its memory (MiB)."""
        with closing(HTTPConnection("docker")) as http, socket.socket(socket.AF_UNIX) as http.sock:
            http.sock.connect(os.environ.get("DOCKER_HOST", SOCKET).removeprefix("unix://"))
            http.request("GET", f"/containers/{name}/stats?stream=false&one-shot=true")
            told = json.load(http.getresponse())
        return (
            told["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9,
            told["memory_stats"]["usage"] / 2**20,
        )

    @contextmanager
    def redis(self) -> Iterator[Redis]:
        """Reach this project's Redis as its master does, at the address that it has now."""
        (network,) = self.inspect(self.container("redis"))["NetworkSettings"]["Networks"].values()
        partition = self.container("partition")
        password = self.exec(partition, "cat", "/partitions/passwords/fedredis-master")
        with connect(f"redis://fedredis-master:{password}@{network['IPAddress']}") as client:
            yield client

    def wait_for(self, run: str, **fields: str) -> None:
        """Wait until an event with these fields has happened in a run."""
        events, cursor = RunKeys(run).events, b"0-0"
        with self.redis() as client:
            while True:
                answer: Any = client.xread({events: cursor}, block=5_000)
                assert answer, f"no event {fields}"
                for _, entry in answer[0][1]:
                    event = {name.decode(): value.decode() for name, value in entry.items()}
                    if fields.items() <= event.items():
                        return
                cursor = answer[0][1][-1][0]

    def until(self, holds: Callable[[Redis], bool]) -> None:
        """Look at Redis until something holds."""

        def look() -> None:
            with self.redis() as client:
                assert holds(client)

        retry: Any = Retry(ConstantBackoff(0.1), PATIENCE_MS // 100, (AssertionError,))
        retry.call_with_retry(look, lambda _: None)

    def history(self, run: str) -> dict[str, dict[str, Any]]:
        with self.redis() as client:
            return {str(name): entry for name, entry in runs.history(client, run).items()}

    @contextmanager
    def held(self, master: Master, slave: int = 3) -> Iterator[None]:
        """Stop a run in the middle of a round: one of its slaves stands still meanwhile."""
        self.wait_for(master.run, type="committed", round="train:3")
        self.pause(self.container("slave", slave))
        with self.redis() as client:
            assert runs.read(client, master.run).status == "running"
        try:
            yield
        finally:
            self.docker("unpause", self.container("slave", slave))


@pytest.fixture(scope="session")
def image(engine: None) -> str:
    """Build the image, once."""
    Federation().compose("build", "--quiet")
    return IMAGE


@pytest.fixture(scope="session")
def federation(image: str) -> Iterator[Callable[..., Federation]]:
    """Return what makes a federation; all that is left of them goes at the end."""
    made: list[Federation] = []

    def make(**how: Any) -> Federation:
        made.append(Federation(**how))
        return made[-1]

    yield make
    for one in made:
        one.compose("down", "--volumes", "--remove-orphans", "--timeout", "1")


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Return what tells the hash of the weights of a run without containers."""
    known: dict[Any, str] = {}
    home = tmp_path_factory.mktemp("alone")

    def run(slaves: int, rounds: int, *options: object) -> str:
        asked = (slaves, rounds, *options)
        if asked not in known:
            done = subprocess.run(
                [
                    *(FEDREDIS, "run", "--json", "--home", str(home)),
                    *("--slaves", str(slaves), "--rounds", str(rounds), *map(str, options)),
                ],
                # In the containers BLAS takes what fits the processor, and rounds as that does.
                env={
                    name: value
                    for name, value in os.environ.items()
                    if not name.startswith(("REDIS_", "OPENBLAS_"))
                },
                capture_output=True,
                check=True,
            )
            known[asked] = json.loads(done.stdout)["weights_sha256"]
        return known[asked]

    return run
