from fedredis.store.counts import counts
from fedredis.store.results import SubmissionState
from tests.fedredis.store.conftest import JOB, TRAIN, claim, committal, hand, opening


def test_what_becomes_of_updates_is_counted(bench):
    master, worker = bench.begin(), bench.worker()
    master.turn([], [opening(attempts=3)])
    three = claim(worker, least=3, most=3)
    hand(worker, three, "0")
    assert hand(worker, three, "0").state is SubmissionState.OVERLAP
    worker.fail(three, "1", traceback="boom")
    ((_, called, _),) = master.bundles({TRAIN: 0})
    master.refuse(TRAIN, {called: "why"})
    dead = bench.worker("dead")
    taken = claim(dead)
    dead.detach(JOB)
    master.tend(TRAIN, JOB)
    told = {"masters": 1, "accepted": 1, "duplicate": 1, "bytes": 16, "failed": 1, "refused": 1}
    assert counts(bench.client, ["r1"]) == [told | {"reclaimed": len(taken.slaves)}]
    for _ in range(3):
        if (some := claim(worker)) is not None and some.slaves:
            hand(worker, some)
    list(master.bundles({TRAIN: 0}))
    master.turn([committal()], [])
    assert hand(worker, three).state is SubmissionState.LATE
    (found,) = counts(bench.client, ["r1"])
    assert (found["accepted"], found["late"], found["rounds:train"]) == (4, 3, 1)
    assert 0 <= found["ms:train"] < 60_000
    master.release("finished")
    assert 604_000 < bench.client.ttl(bench.keys.counts) <= 604_800


def test_a_run_that_is_gone_has_no_counts(bench):
    master, worker = bench.begin(), bench.worker()
    master.turn([], [opening()])
    held = claim(worker)
    bench.client.flushall()
    assert hand(worker, held).state is SubmissionState.LATE
    assert counts(bench.client, ["r1", "r2"]) == [{}, {}]
    assert not bench.client.exists(bench.keys.counts)


def test_what_a_stranger_has_put_there_is_in_nobodys_way(bench):
    master, worker = bench.begin(), bench.worker()
    master.turn([], [opening()])
    bench.client.hset(bench.keys.counts, mapping={"accepted": "x", "late": "9" * 30, "n": "-1"})
    assert hand(worker, claim(worker)).state is SubmissionState.COUNTED
    found = counts(bench.client, ["r1"])[0]
    assert found.keys() == {"masters", "bytes", "late"}
    bench.client.delete(bench.keys.counts)
    bench.client.set(bench.keys.counts, "x")
    assert hand(worker, claim(worker)).state is SubmissionState.COUNTED
    assert counts(bench.client, ["r1"]) == [{}]
    bench.master("second")
    assert counts(bench.client, ["r1"]) == [{"masters": 1}]
    bench.client.hset(bench.keys.counts, "masters", "x")
    bench.master("third")
    assert counts(bench.client, ["r1"]) == [{}]
