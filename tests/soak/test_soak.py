"""Off unless asked for (``make soak``): nothing grows with the number of rounds."""

import time

import pytest

from fedredis.config import RunConfig
from fedredis.data.cut import write_partitions
from fedredis.data.source import load
from fedredis.jobs.dispatch import Dispatcher
from fedredis.jobs.pool import WorkerPool
from fedredis.keys import RunKeys
from fedredis.rounds.master import create_run, drive_run

ROUNDS = 2_000

#: What a run may take more at the end than after a quarter of its rounds, its history apart: the
#: allocator's own noise.
SLACK_BYTES = 200_000


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_two_thousand_rounds(client, server, tmp_path):
    manifest = write_partitions(load(None), tmp_path / "parts", 10, 0, 0.2)
    config = RunConfig(
        dataset=manifest.dataset,
        columns=manifest.columns,
        classes=manifest.classes,
        slaves=10,
        rows=manifest.rows,
        rounds=ROUNDS,
        features="plain",
    )
    run_id = create_run(client, config)
    history = RunKeys(run_id).history
    sizes = {}

    def report(name, entry):
        if name.kind == "train" and name.number % (ROUNDS // 4) == 0:
            used = client.info("memory")["used_memory"]
            kept = client.memory_usage(history, samples=0)
            sizes[name.number] = (used - kept, client.dbsize())
            print(f"round {name.number}: {used - kept:,} bytes, {client.dbsize()} keys")

    with WorkerPool(server.url, tmp_path / "parts", 2) as pool:
        drive_run(
            client,
            run_id,
            dispatcher=lambda store, config: Dispatcher(
                client,
                store,
                config,
                own_workers=2,
                revive=pool.revive,
                clock=time.monotonic,
            ),
            report=report,
            clock=time.monotonic,
        )
    assert client.hlen(history) == 2 * ROUNDS + 1
    (early, early_keys), (late, late_keys) = sizes[ROUNDS // 4], sizes[ROUNDS]
    assert late - early < SLACK_BYTES
    # RQ's own records of jobs that are over come and go.
    assert late_keys <= early_keys + 20
