"""What this process uses, processor time and memory, and the samples that a run keeps of it."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import psutil
from redis.exceptions import RedisError

from fedredis.errors import FedredisError
from fedredis.store import nodes

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

MIB = 1 << 20
#: A run's samples lie no closer than this part of the time for which it has gone on, so that
#: those of a day are hundreds and not ten thousands.
THINNING = 100


@dataclass(frozen=True)
class Usage:
    """What was used since the last look."""

    #: Seconds since then, and the share of one core that was used in them: 1.0 is all of it.
    seconds: float
    cpu: float
    #: Seconds of processor time since the process began, and MiB of memory now.
    cpu_s: float
    memory_mb: float


class Meter:
    """Reads what this process uses, and, unless told otherwise, its children."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, children: bool = True
    ) -> None:
        self._clock, self._children = clock, children
        self._at = clock()
        self._cpu_s, _ = self._used()

    @property
    def seconds(self) -> float:
        """Seconds since the last look."""
        return self._clock() - self._at

    def read(self) -> Usage:
        """Look again."""
        now = self._clock()
        seconds, (cpu_s, memory) = now - self._at, self._used()
        # Children that are gone took their time with them where the system keeps none of it.
        used = max(0.0, cpu_s - self._cpu_s)
        self._at, self._cpu_s = now, cpu_s
        return Usage(seconds, used / seconds if seconds > 0 else 0.0, cpu_s, memory / MIB)

    def _used(self) -> tuple[float, int]:
        """Return seconds of processor time so far, and bytes of memory now."""
        process, cpu_s = psutil.Process(), time.process_time()
        memory: int = process.memory_info().rss
        if not self._children:
            return cpu_s, memory
        ended = os.times()
        cpu_s += ended.children_user + ended.children_system
        # To look for children is to look through all processes of the machine.
        for child in process.children(recursive=True) if _has_children() else ():
            with suppress(psutil.Error), child.oneshot():
                its = child.cpu_times()
                memory += child.memory_info().rss
                cpu_s += its.user + its.system + its.children_user + its.children_system
        return cpu_s, memory


class Sampler:
    """Tells a run what this process uses while the context lasts, and at its end.

    The context may be entered again: what was used in between is not the run's.
    """

    def __init__(
        self,
        client: Redis,
        run_id: str,
        node: str,
        *,
        children: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.run_id = run_id
        self._client, self._node, self._clock = client, node, clock
        self._began = clock()
        self._meter = Meter(clock, children=children)

    def beat(self) -> None:
        """Tell the run what was used since the last sample, if it is time for another one."""
        if self._meter.seconds >= (self._clock() - self._began) / THINNING:
            self._tell()

    def _tell(self) -> None:
        used = self._meter.read()
        nodes.tell(self._client, self.run_id, self._node, used.seconds, used.cpu, used.memory_mb)

    def __enter__(self) -> Self:
        self._meter.read()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        # What fails may be Redis, which is then not to be waited for a second time.
        if error is None:
            with suppress(FedredisError, RedisError):
                self._tell()


def _has_children() -> bool:
    """Say whether this process has any, for the price of one call."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    except AttributeError:  # macOS has it since Python 3.13
        return True
    return True
