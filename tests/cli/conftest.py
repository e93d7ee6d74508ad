"""The command line within the test's process, in an empty folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from fedredis.cli.main import run
from tests.fedredis.conftest import make_training

if TYPE_CHECKING:
    from pathlib import Path

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
