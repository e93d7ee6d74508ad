"""An empty folder to work in, a CSV file of a few songs, and a run that was trained before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import fedredis

if TYPE_CHECKING:
    from pathlib import Path

    from fedredis.embedded import EmbeddedServer


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder; the environment names a Redis that is not there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    return tmp_path


@pytest.fixture
def csv(folder: Path) -> Path:
    """Write 300 songs."""
    return fedredis.synth(folder / "songs.csv", songs=300)


@pytest.fixture
def trained(csv: Path, server: EmbeddedServer) -> fedredis.Outcome:
    """Train on the songs, on a given Redis, with a worker of its own."""
    return fedredis.run(csv, slaves=3, rounds=2, workers=1, redis_url=server.url)
