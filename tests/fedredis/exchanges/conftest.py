"""Small runs whose slaves are all in the test's process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fedredis.config import RunConfig
from fedredis.exchanges import Setup
from fedredis.exchanges.setup import Prepared
from fedredis.features import Column
from fedredis.secure.identity import Identity, Roster
from fedredis.secure.owner import Owner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

#: Rows that are held out of each slave's.
HELD_OUT = 5


def rows_of(slaves: int, *, classes: int = 3, held_out: int = HELD_OUT) -> dict[str, Prepared]:
    """Make slaves of unlike sizes, with two columns, and labels that follow from them."""
    made = {}
    for slave in range(slaves):
        rng = np.random.default_rng([17, slave])
        n = int(rng.integers(12, 30)) + held_out
        X = rng.normal([10 + slave, 15], [3, 5], (n, 2))
        score = X[:, 0] - 10 + 0.3 * (X[:, 1] - 15) + rng.normal(size=n)
        y = np.digitize(score, [-1, 2])[: len(X)] if classes else score
        made[str(slave)] = Prepared(X[held_out:], y[held_out:], X[:held_out], y[:held_out])
    return made


def setup_of(rows: Mapping[str, Prepared], **changes: Any) -> Setup:
    """Make the setup of a run over such slaves; keywords change fields of its config."""
    defaults: dict[str, Any] = {
        "dataset": "pets-0123abcd",
        "columns": (Column("size"), Column("age", 0, 30)),
        "classes": ("cat", "dog", "eel"),
        "slaves": len(rows),
        "rows": sum(len(r.train_y) + len(r.test_y) for r in rows.values()),
        "rounds": 3,
        "features": "plain",
        "batch_size": 8,
    }
    return Setup(RunConfig(**{**defaults, **changes}))


@pytest.fixture
def make_rows() -> Callable[..., dict[str, Prepared]]:
    """Return `rows_of`."""
    return rows_of


@pytest.fixture
def make_setup() -> Callable[..., Setup]:
    """Return `setup_of`."""
    return setup_of


@pytest.fixture
def make_owner(tmp_path: Path) -> Callable[..., Owner]:
    """Return a maker of slaves' keys, and of what their owner allows."""

    def make(setup: Setup, policy: str = "") -> Owner:
        folder = tmp_path / f"keys-{setup.config.slaves}"
        path = folder / "policy.toml"
        if not path.exists():
            made = [Identity.make(folder, name) for name in setup.config.slave_ids]
            path.write_text(f"[policy]\n{policy}\n{Roster.of(made).to_toml()}")
        return Owner.open(path, lambda: 1e9)

    return make
