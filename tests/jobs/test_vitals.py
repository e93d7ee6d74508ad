from __future__ import annotations

import subprocess
import sys
import time

import pytest

from fedredis.jobs.attachment import serve
from fedredis.jobs.vitals import THINNING, Meter, Sampler
from fedredis.keys import RunKeys
from fedredis.store import nodes
from fedredis.store.nodes import samples
from tests.jobs.conftest import open_round


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def burn(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_a_meter_tells_the_share_of_a_core_and_the_memory():
    clock = Clock()
    meter = Meter(clock)
    burn(0.1)
    clock.now = 0.4
    used = meter.read()
    assert used.seconds == 0.4
    assert 0.25 <= used.cpu < 2
    assert used.cpu_s >= 0.1
    assert 10 < used.memory_mb < 10_000
    clock.now = 100.4
    assert meter.read().cpu < 0.01


def test_children_count_and_those_of_a_master_do_not():
    clock = Clock()
    whole, alone = Meter(clock), Meter(clock, children=False)
    code = "import time\nwhile time.process_time() < 0.5: pass\nprint(flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout
        assert child.stdin
        child.stdout.readline()
        clock.now = 1.0
        running, without = whole.read(), alone.read()
        child.communicate(b"\n")
    clock.now = 2.0
    ended = whole.read()
    assert running.cpu >= 0.45 > without.cpu
    assert running.memory_mb > without.memory_mb + 3
    # What it has used stays used, and is not used again.
    assert ended.cpu < 0.4
    assert ended.cpu_s >= 0.45


def test_samples_lie_further_apart_the_longer_a_run_lasts(client):
    client.xadd(RunKeys("r1").nodes, {"node": "master"})
    clock = Clock()
    with Sampler(client, "r1", "w-1", clock=clock) as sampler:
        for clock.now in range(1, 10 * THINNING):
            sampler.beat()
    found, _ = samples(client, "r1")
    told = [sample.seconds for sample in found]
    # The last one is told at the end, whatever its length.
    assert told[: THINNING - 1] == [1] * (THINNING - 1)
    assert sum(told) == 10 * THINNING - 1
    assert max(told) == 10
    assert len(told) < 4 * THINNING


def test_what_is_used_between_two_stays_is_not_the_runs(client):
    client.xadd(RunKeys("r1").nodes, {"node": "master"})
    clock = Clock()
    sampler = Sampler(client, "r1", "w-1", clock=clock)
    for clock.now in (5.0, 50.0):
        with sampler:
            clock.now += 2.0
    found, _ = samples(client, "r1")
    assert [(sample.node, sample.seconds) for sample in found] == [("w-1", 2.0)] * 2


def test_a_run_that_is_gone_is_told_nothing(client):
    with Sampler(client, "r1", "w-1"):
        pass
    assert not client.exists(RunKeys("r1").nodes)


def test_a_spoilt_stream_ends_no_work(client):
    key = RunKeys("r1").nodes
    client.xadd(key, {"node": "master"}, id=f"{(1 << 64) - 1}-{(1 << 64) - 1}")
    with Sampler(client, "r1", "w-1"):
        pass
    client.delete(key)
    client.set(key, "x")
    with Sampler(client, "r1", "w-1"):
        pass


@pytest.mark.parametrize(
    "fields", [{"cpu": "nan"}, {"ms": "-1"}, {"memory_mb": "x"}, {"node": ""}]
)
def test_what_is_no_sample_is_left_out(client, fields):
    key = RunKeys("r1").nodes
    client.xadd(key, {"node": "master"})
    whole = {"node": "w\x1b-1", "ms": "250", "cpu": "0.5", "memory_mb": "80"}
    client.xadd(key, {**whole, **fields})
    client.xadd(key, whole, id="12345678901234-0")
    found, after = samples(client, "r1")
    assert found == [nodes.Sample("w\ufffd-1", 12345678901234, 0.25, 0.5, 80.0)]
    assert samples(client, "r1", after) == ([], after)


def test_a_stay_with_a_run_is_sampled(client, master, make_context):
    open_round(master)
    context = make_context()
    serve(context, master.keys.run_id, "statistics")
    found, _ = samples(client, master.keys.run_id)
    assert [sample.node for sample in found] == [context.card.name]
    assert found[0].seconds > 0
    master.release("finished")
    assert 604_000 < client.ttl(master.keys.nodes) <= 604_800
