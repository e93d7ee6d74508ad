"""A run that is trained once, and put back for each test that looks at one."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fedredis.connection import connect
from fedredis.keys import RunKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from redis import Redis


@dataclass(frozen=True)
class Kept:
    """What a run has left behind."""

    run: str
    #: What whoever trained it was told.
    told: Any
    #: Where it was trained: with the rows, and what was cut.
    folder: Path
    #: Each key with the milliseconds that it has left, 0 for all, and its value.
    keys: Sequence[tuple[bytes, int, Any]]

    @classmethod
    def of(cls, url: str, folder: Path, train: Callable[[], tuple[str, Any]]) -> Kept:
        """Train on an empty server; `train` returns the run's id, and what it was told."""
        with connect(url) as client:
            client.flushall()
            run, told = train()
            keys = [
                (key, max(client.pttl(key), 0), client.dump(key)) for key in client.scan_iter()
            ]
        return cls(run, told, folder, [line for line in keys if line[2]])

    def put_back(self, client: Redis, folder: Path) -> None:
        """Put it on an empty server, and into a folder, as if it had been trained there."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        for key, left, value in self.keys:
            client.restore(key, left, value)
        key = RunKeys(self.run).run
        config = client.hget(key, "config").decode()
        client.hset(key, "config", config.replace(str(self.folder), str(folder)))
