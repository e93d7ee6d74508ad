from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from fedredis.jobs.pool import ONE_THREAD

ROOT = Path(__file__).resolve().parents[2]

Instructions = list[tuple[str, str]]


@pytest.fixture
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture
def final(instructions: Instructions) -> Instructions:
    """Return the instructions of the last stage."""
    starts = [place for place, (name, _) in enumerate(instructions) if name == "FROM"]
    return instructions[starts[-1] :]


def all_of(instructions: Instructions, name: str) -> list[str]:
    return [rest for known, rest in instructions if known == name]


def test_both_stages_have_the_same_python(instructions: Instructions) -> None:
    images = all_of(instructions, "FROM")
    assert images == ["python:3.12-slim AS build", "python:3.12-slim"]


def test_the_dashboard_is_installed(
    instructions: Instructions, project: dict[str, Any], final: Instructions
) -> None:
    assert "dashboard" in project["project"]["optional-dependencies"]
    assert any("'.[dashboard]'" in run for run in all_of(instructions, "RUN"))
    assert any(
        "--no-index" in run and "'fedredis[dashboard]'" in run for run in all_of(final, "RUN")
    )


def test_it_runs_as_a_user_who_owns_the_partitions(final: Instructions) -> None:
    (user,) = all_of(final, "USER")
    runs = all_of(final, "RUN")
    assert any(run.startswith("useradd ") and f" {user} " in run for run in runs)
    assert any(f"--owner {user} " in run and "/partitions" in run for run in runs)
    assert final.index(("USER", user)) > final.index(("RUN", runs[-1]))


def test_the_entry_point_is_the_command_line(final: Instructions, project: dict[str, Any]) -> None:
    (entry,) = all_of(final, "ENTRYPOINT")
    assert json.loads(entry) == ["fedredis"]
    assert "fedredis" in project["project"]["scripts"]


def test_it_does_not_work_in_the_checkout(instructions: Instructions, final: Instructions) -> None:
    *build, last = all_of(instructions, "WORKDIR")
    assert build == ["/src"]
    assert all_of(final, "WORKDIR") == [last]
    assert not last.startswith("/src")


def test_one_blas_thread(final: Instructions) -> None:
    (environment,) = all_of(final, "ENV")
    known = dict(word.split("=", 1) for word in environment.split())
    assert ONE_THREAD.items() <= known.items()


def test_the_context_holds_what_is_built_and_nothing_else(project: dict[str, Any]) -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    assert patterns[0] == "*"
    assert {pattern[1:] for pattern in patterns if pattern.startswith("!")} == {
        "pyproject.toml",
        project["project"]["readme"],
        *project["project"]["license-files"],
        *project["tool"]["setuptools"]["package-dir"].values(),
    }
