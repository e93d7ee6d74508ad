"""What the processes of a run have used, CPU and memory, over its course."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fedredis.acl import PARTING
from fedredis.api.session import PathLike, session
from fedredis.arguments import checked
from fedredis.config import check_name
from fedredis.store import nodes as stored
from fedredis.store import runs
from fedredis.store.nodes import MASTER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd
    from numpy.typing import NDArray
    from redis import Redis

    from fedredis.store.nodes import Sample


@dataclass(frozen=True)
class NodeSeries:
    """What one node has used: samples in order, arrays of shape (samples,) of floats."""

    #: A worker's name, or ``master``.
    node: str
    #: When each sample was taken: seconds since the run was made.
    time: NDArray[np.float64]
    #: How many seconds before that it stands for.
    seconds: NDArray[np.float64]
    #: Mean share of one core in them, 1.0 being all of it; threads and children may use more.
    cpu: NDArray[np.float64]
    #: Memory then, in MiB (resident; what processes share counts for each of them).
    memory: NDArray[np.float64]

    @property
    def called(self) -> str:
        """A short name: ``slave 3`` of a worker that acts for that one alone, else its end."""
        if self.node == MASTER:
            return MASTER
        _, parting, slave = self.node.rpartition("-")[0].partition(PARTING)
        return f"slave {slave}" if parting else f"…{self.node[-8:]}"

    @property
    def cpu_seconds(self) -> float:
        """Seconds of processor time, of all samples together."""
        return float(self.cpu @ self.seconds)

    def used_until(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how many CPU seconds were used until some times, shape (times,)."""
        ends, used = self.time, np.cumsum(self.cpu * self.seconds)
        # Between two samples that do not touch, nothing was used for the run.
        starts = np.maximum(ends - self.seconds, np.concatenate(([-np.inf], ends[:-1])))
        corners = np.stack([starts, ends], 1).ravel()
        reached = np.stack([np.concatenate(([0.0], used[:-1])), used], 1).ravel()
        return np.asarray(np.interp(times, corners, reached, left=0.0), np.float64)


@dataclass(frozen=True)
class Nodes:
    """What the nodes of a run have used."""

    run: str
    #: By name: the master, then the workers, in the order of what they are called.
    series: Mapping[str, NodeSeries]

    def together(self, points: int = 100) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what all nodes used at once, over the whole run.

        Two arrays of shape (points,): the middles of as many equal spans, in seconds since the run
        was made, and how many cores were used in each, on average. Empty if there are no samples.
        """
        if not self.series:
            return np.empty(0), np.empty(0)
        first = min(float((one.time - one.seconds).min()) for one in self.series.values())
        last = max(float(one.time.max()) for one in self.series.values())
        edges = np.linspace(first, max(last, first + 1e-3), points + 1)
        used = np.diff(sum(one.used_until(edges) for one in self.series.values()))
        return (edges[:-1] + edges[1:]) / 2, used / np.diff(edges)

    @property
    def frame(self) -> pd.DataFrame:
        """All samples as a table: ``node``, ``time``, ``seconds``, ``cpu``, ``memory``."""
        import pandas as pd

        names = ("time", "seconds", "cpu", "memory")
        parts = [
            pd.DataFrame({"node": one.node, **{name: getattr(one, name) for name in names}})
            for one in self.series.values()
        ]
        return (
            pd.concat(parts, ignore_index=True)
            if parts
            else pd.DataFrame(columns=["node", *names])
        )


@checked
def nodes(run: str, *, redis_url: str | None = None, home: PathLike = ".fedredis") -> Nodes:
    """Tell what the processes of a run have used: a series of CPU and memory for each.

    Workers, and the master, tell it with their heartbeat (three times a lease), and when they
    leave the run; the longer a run lasts, the further apart samples lie. They are kept for a week
    after the run. ``nodes(run).series`` has a `NodeSeries` by name of node, with ``time``, ``cpu``
    and ``memory``; ``together()`` the curve of all nodes, ``frame`` a table.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    FedredisError
        If Redis can't be reached.
    """
    check_name(run, "run")
    with session(redis_url, home) as opened:
        return read_nodes(opened.client, run)


def read_nodes(client: Redis, run: str) -> Nodes:
    """Do what `nodes` does."""
    started = runs.read(client, run).started
    samples, _ = stored.samples(client, run)
    return Nodes(run, series_of(samples, started))


def series_of(samples: Iterable[Sample], started: int) -> dict[str, NodeSeries]:
    """Sort samples by node; `started` is when the run was made, in ms since 1970."""
    by_node: dict[str, list[Sample]] = {}
    for sample in samples:
        by_node.setdefault(sample.node, []).append(sample)
    series = [
        NodeSeries(
            node,
            time=np.array([(one.at - started) / 1000 for one in own]),
            seconds=np.array([one.seconds for one in own]),
            cpu=np.array([one.cpu for one in own]),
            memory=np.array([one.memory_mb for one in own]),
        )
        for node, own in by_node.items()
    ]
    return {one.node: one for one in sorted(series, key=_place)}


def _place(series: NodeSeries) -> tuple[bool, int, str, str]:
    """Order nodes: the master, then by number, then by name."""
    called = series.called.rpartition(" ")[2]
    number = int(called) if called.isdecimal() else 0
    return series.node != MASTER, number, called, series.node
