"""Processes that a test starts, and gates at which they wait for it."""

from __future__ import annotations

import json
import os
import select
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from fedredis.jobs.pool import GRACE

if TYPE_CHECKING:
    from pathlib import Path

    from redis import Redis

#: Seconds that a test waits for something that has to happen.
PATIENCE = 45.0


class Gates:
    """Points at which a stoppable process waits until the test lets it go on.

    A point is ``work``, ``submit`` or ``submitted`` with a round and a slave, or ``commit`` or
    ``committed`` with a round; with `` of RUN`` after it, it is that of one run. Whoever comes
    by is stopped once for each time that a gate was closed. Gates are kept by a server of their
    own, so that they outlive that of the run.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client

    def close(self, *points: str) -> None:
        self._client.sadd("closed", *points)

    def wait(self, point: str) -> int:
        """Wait until a process stands at a gate; return its id."""
        reached: Any = self._client.blpop(f"reached:{point}", PATIENCE)
        assert reached, f"nobody has come to {point!r}"
        return int(reached[1])

    def open(self, point: str) -> None:
        self._client.lpush(f"open:{point}", "now")


@dataclass
class Process:
    """A process that the test has started, with what it says in files."""

    popen: subprocess.Popen[bytes]
    out: Path
    err: Path

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def said(self) -> str:
        return self.err.read_text()

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()

    def lives_for(self, seconds: float) -> None:
        """Let time pass in which the process must not end."""
        with pytest.raises(subprocess.TimeoutExpired):
            self.popen.wait(seconds)

    def ends(self, code: int) -> Any:
        """Wait for its end with this exit code; return the JSON that it printed, if any."""
        assert self.popen.wait(PATIENCE) == code, self.said
        assert "Traceback" not in self.said
        out = self.out.read_text()
        return json.loads(out) if out else None


def wait_for_end(pid: int) -> None:
    """Wait for the end of a process that another one has started."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        ended, _, _ = select.select([descriptor], [], [], GRACE)
        assert ended, f"process {pid} goes on"
    finally:
        os.close(descriptor)
