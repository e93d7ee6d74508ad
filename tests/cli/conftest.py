"""The command line within the test's process, in an empty folder."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest

import fedredis
from fedredis.cli.main import run
from tests.fedredis.conftest import make_training
from tests.kept import Kept

if TYPE_CHECKING:
    from pathlib import Path

    from redis import Redis

    from fedredis.embedded import EmbeddedServer

__all__ = ["make_training"]


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that calls ``fedredis`` with arguments, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("COLUMNS", "120")

    def call(*args: object) -> Answer:
        capsys.readouterr()
        code = run([str(arg) for arg in args])
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return call


@pytest.fixture
def refused(call, tmp_path: Path):
    """Return a function that calls ``fedredis`` wrongly: exit 2, one line, nothing written."""

    def refused(*args: object) -> str:
        before = sorted(tmp_path.rglob("*"))
        answer = call(*args)
        assert answer.code == 2
        assert answer.out == ""
        assert answer.err.startswith("fedredis: ")
        assert answer.err.count("\n") == 1
        assert sorted(tmp_path.rglob("*")) == before
        return answer.err

    return refused


@pytest.fixture(scope="session")
def kept(embedded: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Train once, on a given Redis with a worker of its own, on a few songs in a CSV file."""
    folder = tmp_path_factory.mktemp("trained")
    csv, home = fedredis.synth(folder / "songs.csv", songs=500), folder / ".fedredis"
    asked = ("--data", csv, "--slaves", 3, "--rounds", 4, "--workers", 1, "--home", home)

    def train() -> tuple[str, Any]:
        with redirect_stdout(StringIO()) as out:
            code = run([*map(str, ("run", *asked, "--redis-url", embedded.url, "--json"))])
        assert code == 0
        told = json.loads(out.getvalue())
        return told["run"], told

    return Kept.of(embedded.url, folder, train)


@pytest.fixture
def trained(kept: Kept, call, client: Redis, server: EmbeddedServer, tmp_path: Path):
    """Return what training has printed, and where its run is, with its files here."""
    kept.put_back(client, tmp_path)
    return kept.told, ("--redis-url", server.url)
