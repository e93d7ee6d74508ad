"""Updates of 1, 10 and 100 MB beside plain SET and GET: ``python -m benchmarks.large [MB …]``.

Bytes a second through claim, submit and reduce, against SET and GET of the same bytes on the
same server, in turn.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.harness import Bench, bench
from fedredis.arrays import Bundle, Quantity, Scope, Sum
from fedredis.connection import connect
from fedredis.exchanges.reduction import Reduction
from fedredis.keys import RoundName, RunKeys
from fedredis.rounds.master import create_run
from fedredis.store.master import MasterStore
from fedredis.store.results import RoundState
from fedredis.store.slave import Ask, Handed, SlaveStore
from fedredis.store.turns import Committal, Opening

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SLAVES = ("0", "1", "2")
#: Repetitions, by megabytes.
REPETITIONS = {1: 41, 10: 15, 100: 7}


def plain(on: Bench, raw: bytes) -> float:
    """Time SET and GET of some bytes, once for each slave (seconds)."""
    started = time.perf_counter()
    for _ in SLAVES:
        on.client.set("plain", raw)
        on.client.get("plain")
    return time.perf_counter() - started


def through_fedredis(
    master: MasterStore, worker: SlaveStore, number: int, array: NDArray[Any]
) -> float:
    """Time the same bytes through a round, up to the sum of all updates (seconds)."""
    name, scope = RoundName("train", number), Scope(len(SLAVES), 10 * len(SLAVES))
    rule = Sum((Quantity("weights", array.shape),), scope)
    opening = Opening(name, "train", None, 3, 3, timeout_ms=600_000, attempts=1, reads={})
    master.turn([], [opening])
    reduction, fetched = Reduction(rule, SLAVES), 0
    started = time.perf_counter()
    for _ in SLAVES:
        [claim] = worker.visit([], [Ask(name, "train", [], take_any=True)]).claims
        assert claim is not None
        handed = Handed(claim, Bundle(claim.slaves, (10,), [array]), rule.schema)
        worker.visit([handed], [])
        for _, called, parts in master.bundles({name: fetched}):
            assert not reduction.take([(called, Bundle.of(rule.schema, parts))])
            fetched += 1
    seconds = time.perf_counter() - started
    assert reduction.counted == len(SLAVES)
    assert master.tend(name, "train").state is RoundState.CLOSED
    master.turn([Committal(name, len(SLAVES), {}, {}, {}, (), "")], [])
    return seconds


def measure(on: Bench, sizes: Sequence[int]) -> Table:
    """Measure each size (MB)."""
    _, config = on.partitions(len(SLAVES), rounds=1)
    keys = RunKeys(create_run(on.client, config))
    master = MasterStore(on.client, keys, token="benchmark", lease_ms=600_000)
    master.acquire()
    table = Table("update", "SET + GET, MB/s", "submit + reduce, MB/s", "share of SET + GET")
    with connect(on.url) as client:
        worker = SlaveStore(client, keys, worker="benchmark", lease_ms=600_000, alone=None)
        for size in sizes:
            array = np.random.default_rng(0).integers(-(1 << 58), 1 << 58, size * 125_000)
            raw, pairs = array.tobytes(), []
            for repetition in range(REPETITIONS[size]):
                number = size * 1000 + repetition
                pairs.append((plain(on, raw), through_fedredis(master, worker, number, array)))
            bare, ours = (statistics.median(times) for times in zip(*pairs, strict=True))
            share = statistics.median(b / o for b, o in pairs)
            total = size * len(SLAVES)
            speeds = (f"{total / seconds:.0f}" for seconds in (bare, ours))
            table.add_row(f"{size} MB", *speeds, f"{share:.2f}")
    return table


if __name__ == "__main__":
    with bench() as running:
        Console().print(measure(running, [int(size) for size in sys.argv[1:]] or [*REPETITIONS]))
