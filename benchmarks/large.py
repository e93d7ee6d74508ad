"""Updates of 1, 10 and 100 MB beside plain SET and GET: ``python -m benchmarks.large``.

Bytes a second through claim, submit and reduce, against SET and GET of the same bytes on the
same server, in turn; and what a master holds in memory.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.harness import Bench, bench
from fedredis.codec import Field, Schema
from fedredis.connection import connect
from fedredis.keys import Kind, Label, RunKeys
from fedredis.master import create_run
from fedredis.reduction import Reduction
from fedredis.store.master import MasterStore
from fedredis.store.slave import Packed, SlaveStore
from fedredis.update import Bound, Update, pack, pack_parts

SLAVES = ("0", "1", "2")
MEGABYTES = (1, 10, 100)
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
    on: Bench, master: MasterStore, worker: SlaveStore, number: int, array: np.ndarray
) -> float:
    """Time the same bytes through a round, up to the sum of all updates (seconds)."""
    label = Label(Kind.TRAIN, number)
    schema = Schema((Field("weights", "<f8", array.shape),))
    master.open_round(label, SLAVES, quorum=3, timeout_ms=600_000, extra={})
    reduction = Reduction(label, schema, SLAVES, Bound([np.zeros_like(array)], 1e6))
    started = time.perf_counter()
    for i in range(len(SLAVES)):
        claim = worker.claim(label, [], attached=Kind.TRAIN, take_any=True)
        assert claim is not None
        packed = (pack_parts if schema.large else pack)(schema, Update(10, [array]))
        worker.submit(claim, [Packed(claim.slaves[0], packed, ())], ())
        reduction.advance(master, closed=i == len(SLAVES) - 1)
    seconds = time.perf_counter() - started
    assert reduction.counted == len(SLAVES)
    master.commit(label, entry={}, progress={}, slaves=SLAVES)
    return seconds


def measure(on: Bench) -> Table:
    """Measure each size."""
    _, config = on.partitions(3, rounds=1)
    run_id = create_run(on.client, config)
    keys = RunKeys(run_id)
    master = MasterStore(on.client, keys, token="benchmark", lease_ms=600_000)
    master.acquire()
    table = Table("update", "SET + GET, MB/s", "submit + reduce, MB/s", "share of SET + GET")
    with connect(on.url) as client:
        worker = SlaveStore(client, keys, worker="benchmark", lease_ms=600_000)
        for size in MEGABYTES:
            array = np.random.default_rng(0).normal(size=size * 125_000)
            raw, pairs = array.tobytes(), []
            for repetition in range(REPETITIONS[size]):
                number = size * 1000 + repetition
                pairs.append((plain(on, raw), through_fedredis(on, master, worker, number, array)))
            bare, ours = (statistics.median(times) for times in zip(*pairs, strict=True))
            share = statistics.median(b / o for b, o in pairs)
            total = size * len(SLAVES)
            speeds = (f"{total / seconds:.0f}" for seconds in (bare, ours))
            table.add_row(f"{size} MB", *speeds, f"{share:.2f}")
    return table


if __name__ == "__main__":
    with bench() as running:
        Console().print(measure(running))
