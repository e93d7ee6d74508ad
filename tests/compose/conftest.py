"""Runs the services of docker-compose.yml as plain processes, each with its own command."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sysconfig
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from fedredis.embedded import find_binary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "compose" / "Dockerfile"
SCRIPTS = Path(sysconfig.get_path("scripts"))
LOOPBACK = "127.0.0.1"

#: ${NAME}, ${NAME:-otherwise} and ${NAME:+instead}
VARIABLE = re.compile(r"\$\{(\w+)(?::([-+])([^}]*))?\}")


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """Put variables in, as Compose does."""

    def value(match: re.Match[str]) -> str:
        name, operator, word = match.groups(default="")
        given = variables.get(name, "")
        return (word if given else "") if operator == "+" else given or word

    return VARIABLE.sub(value, text)


def read_compose(**variables: str) -> dict[str, Any]:
    """Read docker-compose.yml under these variables."""
    document: dict[str, Any] = yaml.safe_load(interpolate(FILE.read_text(), variables))
    return document


def read_instructions() -> list[tuple[str, str]]:
    """Read the Dockerfile: instructions in capitals, with their arguments."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    split = [line.partition(" ") for line in joined.splitlines() if line.strip()]
    return [(name, rest) for name, _, rest in split]


def image_environment() -> dict[str, str]:
    """Return the environment that the image sets."""
    words = [word for name, rest in read_instructions() if name == "ENV" for word in rest.split()]
    return dict(word.split("=", 1) for word in words)


def free_port() -> int:
    with closing(socket.create_server((LOOPBACK, 0))) as listener:
        port: int = listener.getsockname()[1]
        return port


def words(value: str | Sequence[str] | None) -> list[str]:
    """Split a command, as Compose does."""
    return shlex.split(value) if isinstance(value, str) else list(value or ())


@dataclass
class Composition:
    """The services of docker-compose.yml on this machine, volumes being folders."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    redis_port: int = field(default_factory=free_port)
    dashboard_port: int = field(default_factory=free_port)
    processes: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.services = read_compose(**self.variables)["services"]
        self.url = f"redis://{LOOPBACK}:{self.redis_port}/0"

    def place(self, service: str, text: str) -> str:
        """Put what stands for a container's paths and addresses into one word."""
        for target, source in self.mounts(service).items():
            if text == target or text.startswith(f"{target}/"):
                return f"{source}{text.removeprefix(target)}"
        replaced = {
            "redis:6379": f"{LOOPBACK}:{self.redis_port}",
            "0.0.0.0": LOOPBACK,
            "9181": str(self.dashboard_port),
        }
        for known, instead in replaced.items():
            text = text.replace(known, instead)
        return text

    def mounts(self, service: str) -> dict[str, Path]:
        """Tell where a container's folders are on this machine."""
        there = {"/etc/fedredis": ROOT / "compose"}
        for volume in self.services[service].get("volumes", []):
            if isinstance(volume, dict):
                there[volume["target"]] = ROOT / volume["source"]
            else:
                name, target = volume.split(":")[:2]
                there[target] = self.folder / name
                there[target].mkdir(exist_ok=True)
        return there

    def argv(self, service: str, *arguments: str) -> list[str]:
        """Return a service's command line; `arguments` replace its command."""
        known = self.services[service]
        entry = words(known.get("entrypoint")) or (["fedredis"] if "build" in known else [])
        command = list(arguments) or words(known.get("command"))
        program, *rest = (self.place(service, word) for word in [*entry, *command])
        if service == "redis":
            return [str(find_binary()), *rest, "--bind", LOOPBACK, "--port", str(self.redis_port)]
        return [str(SCRIPTS / program), *rest]

    def start(self, service: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a process of a service; what it says goes to files in the folder."""
        environment = {**image_environment(), **self.services[service].get("environment", {})}
        environment = {name: self.place(service, value) for name, value in environment.items()}
        log = self.folder / f"{service}-{len(self.processes)}"
        with log.with_suffix(".out").open("wb") as out, log.with_suffix(".err").open("wb") as err:
            process = subprocess.Popen(
                self.argv(service, *arguments),
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **environment},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        self.processes.append((service, process))
        return process

    def finish(self, process: subprocess.Popen[bytes], code: int = 0) -> str:
        """Wait for a process to end with this exit code; return its output."""
        number = [known for _, known in self.processes].index(process)
        log = self.folder / f"{self.processes[number][0]}-{number}"
        assert process.wait(40) == code, log.with_suffix(".err").read_text()
        return log.with_suffix(".out").read_text()

    def stop(self) -> dict[str, list[int]]:
        """End all that runs, the last one first; return the exit codes by service."""
        codes: dict[str, list[int]] = {}
        for service, process in reversed(self.processes):
            process.terminate()
            try:
                codes.setdefault(service, []).append(process.wait(20))
            except subprocess.TimeoutExpired:
                process.kill()
                codes.setdefault(service, []).append(process.wait())
        return codes

    def fetch(self, path: str, method: str = "GET") -> tuple[int, str]:
        """Ask the dashboard; return the status and the page."""
        with closing(HTTPConnection(LOOPBACK, self.dashboard_port, timeout=10)) as connection:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read().decode()

    def look(self, path: str) -> Any:
        """Ask the dashboard for JSON."""
        status, page = self.fetch(f"/0/data/{path}.json")
        assert status == 200, page
        return json.loads(page)


@pytest.fixture(scope="module")
def compose(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., Composition]]:
    """Return what makes a composition under some variables; all end with the module."""
    with ExitStack() as stack:

        def make(**variables: str) -> Composition:
            composition = Composition(tmp_path_factory.mktemp("compose"), variables)
            stack.callback(composition.stop)
            return composition

        yield make


@pytest.fixture
def services() -> dict[str, Any]:
    """Return the services, no variable being set."""
    known: dict[str, Any] = read_compose()["services"]
    return known


@pytest.fixture
def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions."""
    return read_instructions()
