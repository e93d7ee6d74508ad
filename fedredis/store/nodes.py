"""What a run's processes use: samples of CPU and memory, in a stream by Redis' own clock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from fedredis.keys import RunKeys
from fedredis.store.replies import explain, fields
from fedredis.store.scripts import ask

if TYPE_CHECKING:
    from redis import Redis

#: What the master is called among the nodes; workers go by their names.
MASTER = "master"
#: How many samples are kept of a run, of all nodes together; as in ``lua/acquire.lua``.
MOST = 50_000


@dataclass(frozen=True)
class Sample:
    """What a node has used for a while."""

    node: str
    #: When the sample was taken, at the end of that while: milliseconds since 1970.
    at: int
    #: How long it was, in seconds.
    seconds: float
    #: Mean share of one core: 1.0 is all of it.
    cpu: float
    #: MiB at the end.
    memory_mb: float


def tell(
    client: Redis, run_id: str, node: str, seconds: float, cpu: float, memory_mb: float
) -> None:
    """Add a sample, in one command; to a run that is gone none is added.

    A stream that a stranger has spoilt takes no more of them until a master takes up the run.
    """
    told: dict[Any, Any] = {
        "node": node,
        "ms": round(seconds * 1000),
        "cpu": f"{cpu:.4f}",
        "memory_mb": f"{memory_mb:.1f}",
    }
    key = RunKeys(run_id).nodes
    try:
        client.xadd(key, told, maxlen=MOST, nomkstream=True)
    except ResponseError as error:
        raise explain(key, error) from error


def samples(client: Redis, run_id: str, after: str = "-") -> tuple[list[Sample], str]:
    """Read samples, oldest first; return where to read on, too.

    What is none is left out: a worker may say anything.
    """
    key, found = RunKeys(run_id).nodes, list[Sample]()
    entries = ask(client, f"run {run_id}", "XRANGE", key, after, "+")
    for id_, entry in entries:
        told = fields(entry)
        try:
            numbers = [float(told[name]) for name in ("ms", "cpu", "memory_mb")]
        except (KeyError, ValueError):
            continue
        if all(math.isfinite(number) and number >= 0 for number in numbers) and told.get("node"):
            ms, cpu, memory = numbers
            at = int(id_.partition(b"-")[0])
            found.append(Sample(told["node"], at, ms / 1000, cpu, memory))
    return found, f"({entries[-1][0].decode()}" if entries else after
