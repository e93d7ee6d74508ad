"""An empty folder to work in, a CSV file of a few songs, and a run that was trained before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import fedredis
from fedredis.config import RunConfig
from fedredis.features import Column
from tests.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from redis import Redis

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
    return fedredis.synth(folder / "songs.csv", songs=300, force=True)


@pytest.fixture(scope="session")
def kept(embedded: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Train on the songs, on a given Redis, with a worker of its own."""
    folder = tmp_path_factory.mktemp("trained")
    csv, home = fedredis.synth(folder / "songs.csv", songs=300), folder / ".fedredis"

    def train() -> tuple[str, fedredis.Outcome]:
        asked: dict[str, Any] = {"slaves": 3, "rounds": 2, "workers": 1}
        told = fedredis.run(csv, redis_url=embedded.url, home=home, **asked)
        return told.run, told

    return Kept.of(embedded.url, folder, train)


@pytest.fixture
def trained(kept: Kept, folder: Path, client: Redis) -> fedredis.Outcome:
    """Return what training came to, which has left its run and its files here."""
    kept.put_back(client, folder)
    told: fedredis.Outcome = kept.told
    return told


@pytest.fixture
def make_config() -> Callable[..., RunConfig]:
    """Return a maker of configs, of three slaves with two columns and three classes."""

    def make(**changes: Any) -> RunConfig:
        usual = {
            "dataset": "pets-3-0123abcd",
            "columns": (Column("size"), Column("age", 0, 30)),
            "classes": ("cat", "dog", "eel"),
            "slaves": 3,
            "rows": 1000,
            "features": "plain",
        }
        return RunConfig(**{**usual, **changes})

    return make


@pytest.fixture
def learn() -> Callable[..., dict[str, Any]]:
    """Return what lets a feature map learn all that it can from rows, with labels or without."""

    def learn(mapping: Any, X: Any, y: Any = ()) -> dict[str, Any]:
        known: dict[str, Any] = {}
        while (name := mapping.next_pass(known)) is not None:
            known = mapping.learn(name, known, mapping.sums(name, known, X, y))
        return known

    return learn
