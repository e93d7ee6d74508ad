from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis.arrays import Schema
from fedredis.config import RunConfig
from fedredis.exchanges import Setup
from fedredis.exchanges.here import drive
from fedredis.features.protocol import Column
from fedredis.secure.identity import Identity, Roster
from fedredis.secure.owner import Owner

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class SlaveRows:
    """One slave's rows."""

    train_X: Any  # noqa: N815
    train_y: Any
    test_X: Any  # noqa: N815
    test_y: Any


@dataclass
class Federation:
    """Slaves whose rows and keys are all here."""

    folder: Path

    def config(self, slaves: int = 5, **changes: Any) -> RunConfig:
        defaults: dict[str, Any] = {
            "dataset": "pets",
            "columns": (Column("size"), Column("age", 0, 30)),
            "classes": ("cat", "dog", "eel"),
            "slaves": slaves,
            "rows": 30 * slaves,
            "rounds": 3,
            "features": "plain",
            "batch_size": 8,
        }
        return RunConfig(**{**defaults, **changes})

    def rows(self, config: RunConfig) -> dict[str, SlaveRows]:
        rng = np.random.default_rng(3)
        rows = {}
        for name in config.slave_ids:
            X = np.column_stack([rng.normal(5, 2, 30), rng.uniform(0, 30, 30)])
            noise = rng.integers(0, 3, 30)
            y = np.where(rng.random(30) < 0.2, noise, (X[:, 0] > 5) + (X[:, 1] > 20))
            y = y.astype(np.int64) if config.classes else X[:, 0] * 3 + noise
            rows[name] = SlaveRows(X[:20], y[:20], X[20:], y[20:])
        return rows

    def owner(self, config: RunConfig, policy: str = "") -> Owner:
        """Make keys for all slaves, once."""
        folder = self.folder / f"{config.slaves}-{len(policy)}"
        path = folder / "policy.toml"
        if not path.exists():
            made = [Identity.make(folder, name) for name in config.slave_ids]
            path.write_text(f"[policy]\n{policy}\n{Roster.of(made).to_toml()}")
        return Owner.open(path, lambda: 1e9)

    def sha256(self, config: RunConfig, **how: Any) -> str:
        """Go through a run, and digest the model that comes of it."""
        if config.secure:
            how = {"keys": self.owner(config), **how}
        progress = drive(Setup(config, run="r1"), self.rows(config), **how)
        model = progress.artifacts[progress.model]
        return Schema.of(model).sha256(list(model.values()))

    def masked(self, config: RunConfig) -> RunConfig:
        return replace(config, threshold=0.67)


@pytest.fixture
def federation(tmp_path: Path) -> Federation:
    return Federation(tmp_path)
