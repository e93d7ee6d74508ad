from dataclasses import replace

import numpy as np
import pytest

from fedredis.arrays import Bundle, Field, Schema
from fedredis.errors import ArtifactGoneError, FedredisError, RunNotFoundError
from fedredis.keys import RoundName
from fedredis.store.results import Failure, RoundState, SubmissionState
from fedredis.store.slave import Ask, Handed
from tests.fedredis.store.conftest import (
    JOB,
    SCHEMA,
    TRAIN,
    bundle,
    claim,
    committal,
    config,
    hand,
    opening,
)


@pytest.mark.parametrize(
    ("wishes", "place", "least", "most", "taken"),
    [
        ((), 0, 1, 1, ("0",)),
        ((), 0, 3, 3, ("0", "1", "2")),
        ((), 0, 9, 2, ("0", "1")),
        # From a place on, and from the front where nobody stands behind it.
        ((), 1, 1, 1, ("1",)),
        # All, if it takes as many; and none is left in front for whom nobody else comes.
        ((), 1, 3, 3, ("0", "1", "2")),
        ((), 2, 2, 2, ("1", "2")),
        ((), 3, 2, 2, ("0", "1")),
        (("2", "1"), 0, 3, 3, ("2", "1")),
        (("7", "2"), 0, 1, 1, ("2",)),
        (("7",), 0, 1, 1, ()),
    ],
)
def test_claim(bench, wishes, place, least, most, taken):
    bench.begin().turn([], [opening()])
    claimed = claim(bench.worker(), wishes, place=place, least=least, most=most)
    assert claimed is not None
    assert (claimed.slaves, claimed.place) == (taken, int(taken[0]) if taken else -1)
    assert set(bench.client.hkeys(bench.keys.round(TRAIN).claims)) == {s.encode() for s in taken}
    assert bench.client.zcard(bench.keys.round(TRAIN).ids) == 3 - len(taken)
    # A claim lasts as long as its worker is attached, so it attaches it.
    assert bench.client.zcard(bench.keys.attached(JOB)) == bool(taken)
    # That goes by itself, if the worker is killed before it says anything else.
    assert not taken or bench.client.pttl(bench.keys.attached(JOB)) > 0


def test_who_is_on_the_way_gets_a_share(bench):
    """Whoever comes first leaves slaves for the others: a slow one does not hold them all up."""
    bench.begin().turn([], [opening(workers=2)])
    first = claim(bench.worker("a"), least=3, most=3)
    assert first
    assert first.slaves == ("0", "1")
    second = claim(bench.worker("b"), least=3, most=3)
    assert second
    assert second.slaves == ("2",)


@pytest.mark.parametrize(
    ("workers", "place", "taken"),
    [
        # The other one takes five, and would have to come again for the rest.
        (2, 7, "56789"),
        (2, 5, "56789"),
        (2, 0, "01234"),
        # The two others take four each.
        (3, 8, "89"),
        (3, 9, "89"),
    ],
)
def test_a_claim_leaves_no_more_than_the_others_take(bench, workers, place, taken):
    bench.begin(10).turn([], [opening(expected=10, workers=workers)])
    claimed = claim(bench.worker(), place=place, least=9, most=9)
    assert claimed
    assert claimed.slaves == tuple(taken)


def test_the_last_claim_takes_what_is_in_front_of_its_place_too(bench):
    bench.begin(10).turn([], [opening(expected=10, workers=2)])
    assert claim(bench.worker("a"), place=0, least=9, most=9)
    last = claim(bench.worker("b"), place=7, least=9, most=9)
    assert last
    assert last.slaves == tuple("56789")


@pytest.mark.parametrize("written", ["inf", "nan", "-1", "1e300", "many"])
def test_whatever_a_slave_writes_there_somebody_is_given(bench, written):
    bench.begin().turn([], [opening()])
    bench.client.hset(bench.keys.round(TRAIN).round, "workers", written)
    claimed = claim(bench.worker())
    assert claimed
    assert claimed.slaves == ("0",)


def test_a_share_is_fair(bench):
    bench.begin(40).turn([], [opening(expected=40)])
    for name in "abcd":
        bench.worker(name).attach(JOB)
    taken = [claim(bench.worker(name), least=3, most=30) for name in "abcd"]
    assert [len(one.slaves) for one in taken if one] == [5, 5, 4, 4]


def test_what_a_worker_still_holds_is_given_again(bench):
    bench.begin().turn([], [opening()])
    worker = bench.worker()
    first = claim(worker, least=2, most=2)
    assert claim(worker, ["2"], least=3, most=3) == first
    hand(worker, first, "1")
    assert claim(worker).slaves == ("0",)
    hand(worker, first, "0")
    assert claim(worker).slaves == ("2",)


def test_handing_in_and_claiming_the_next_is_one_visit(bench):
    bench.begin().turn([], [opening(task={"a": "b"})])
    worker = bench.worker()
    first = claim(worker, with_task=True)
    assert first.task == {"a": "b", "reads": "{}"}
    ask = Ask(TRAIN, JOB, (), take_any=True)
    other = replace(ask, name=RoundName("evaluate", 7))
    visit = worker.visit([Handed(first, bundle("0"), SCHEMA)], [ask, other])
    assert [one.state for one in visit.submissions] == [SubmissionState.COUNTED]
    assert [one and one.slaves for one in visit.claims] == [("1",), None]


def test_what_will_be_read_comes_with_a_visit(bench):
    master, worker = bench.begin(), bench.worker()
    model = {"weights": np.arange(3.0)}
    master.turn([], [opening(TRAIN)])
    bench.close(master)
    large = {"weights": np.zeros(1_000_000)}
    master.turn([committal(artifacts={"model:1": model, "model:2": large})], [])
    found = worker.visit([], [], ["model:1", "model:2", "model:3"]).artifacts
    # The large one is fetched by whoever was given something to do with it.
    ((name, version),) = found
    assert (name, version) == (
        "model:1",
        bench.client.hget(bench.keys.artifact(name), "version").decode(),
    )
    assert np.array_equal(found[name, version]["weights"], model["weights"])
    bench.client.lset(bench.keys.parts(name), 1, b"damaged")
    assert worker.visit([], [], ["model:1"]).artifacts == {}


def test_what_a_bundle_leaves(bench):
    master = bench.begin()
    master.turn([], [opening()])
    worker, round_ = bench.worker(), bench.keys.round(TRAIN)
    hand(worker, claim(worker, least=2, most=2))
    (name,) = bench.client.lrange(round_.bundles, 0, -1)
    assert bench.client.hgetall(round_.inside) == {b"0": name, b"1": name}
    assert name.startswith(b"bundle:w:")
    assert bench.client.ttl(round_.bundle(name.decode())) == -1
    assert not bench.client.exists(round_.claims, round_.staged("w"))
    ((_, called, parts),) = master.bundles({TRAIN: 0})
    assert called == name.decode()
    found = Bundle.of(SCHEMA, parts)
    assert (found.slaves, found.samples, found.worker) == (("0", "1"), (5, 5), "w")
    np.testing.assert_array_equal(found.arrays[0], [2, -1])


def test_the_last_one_closes_the_round(bench):
    master = bench.begin()
    master.turn([], [opening()])
    master.hear(0)
    worker = bench.worker("alone", alone="1")
    hand(worker, claim(worker, ["1"]))
    assert bench.client.llen(bench.keys.round(TRAIN).bundle("update:1")) == 2
    assert (bench.state(), master.hear(0).events) == ("open", [])
    bench_worker = bench.worker()
    hand(bench_worker, claim(bench_worker, least=2, most=2))
    assert bench.state() == "closed"
    assert [(e.type, e.round) for e in master.hear(0).events] == [("closed", "train:1")]
    assert not bench.client.exists(bench.keys.open)


def test_an_overlap_is_refused_by_names_and_the_rest_is_handed_in(bench):
    bench.begin().turn([], [opening()])
    a, b = bench.worker("a"), bench.worker("b")
    claimed = claim(a, least=3, most=3)
    assert hand(b, claimed, "1").state is SubmissionState.COUNTED
    before = bench.dump()
    refused = hand(a, claimed)
    assert (refused.state, refused.overlap) == (SubmissionState.OVERLAP, ("1",))
    assert bench.dump() == before
    assert hand(a, claimed, "0", "2").state is SubmissionState.COUNTED
    assert bench.state() == "closed"
    assert hand(a, claimed, "0").state is SubmissionState.LATE


def test_stale(bench):
    bench.begin().turn([], [opening()])
    worker = bench.worker()
    claimed = claim(worker)
    assert hand(worker, replace(claimed, epoch=9)).state is SubmissionState.STALE
    assert hand(worker, claimed).state is SubmissionState.COUNTED
    assert hand(worker, replace(claimed, name=RoundName("train", 8))).state is SubmissionState.LATE


def test_large_bundles_go_in_parts(bench, monkeypatch):
    monkeypatch.setattr("fedredis.arrays.blob.PART_BYTES", 64)
    monkeypatch.setattr("fedredis.store.scripts.TRIP_BYTES", 200)
    monkeypatch.setattr("fedredis.store.incoming.TRIP_BYTES", 200)
    master, schema = bench.begin(), Schema((Field("sum", "<i8", (40,)),))
    master.turn([], [opening()])
    worker = bench.worker()
    claimed = claim(worker, least=2, most=2)
    master.hear(0)
    both = [Bundle((s,), (5,), [np.arange(40) + int(s)]) for s in claimed.slaves]
    submissions = worker.visit([Handed(claimed, one, schema) for one in both], []).submissions
    assert [one.state for one in submissions] == [SubmissionState.COUNTED] * 2
    assert [event.type for event in master.hear(0).events] == ["arrived"] * 2
    for (_, _, parts), sent in zip(master.bundles({TRAIN: 0}), both, strict=True):
        np.testing.assert_array_equal(Bundle.of(schema, parts).arrays, sent.arrays)


MEMORY = Schema((Field("c", "<f8", (1,)),))


def test_memories(bench):
    master = bench.begin()
    worker = bench.worker()
    for number in (1, 2, 3):
        name = RoundName("train", number)
        master.turn([], [opening(name)])
        claimed = claim(worker, least=2, most=2, name=name)
        memories = [[np.array([number + 0.5])], [np.array([-1.0])]]
        hand(worker, claimed, memories=memories, remembers=MEMORY)
    assert set(bench.client.hkeys(bench.keys.memory("0"))) == {b"2", b"3"}
    for before, value in ((4, 3.5), (3, 2.5)):
        found = worker.memories(("0", "2"), before, MEMORY)
        assert found[0][0] == value
        assert found[1] is None
    assert worker.memories(("0",), 2, MEMORY) == [None]
    # What is not counted is not remembered.
    hand(worker, replace(claimed, epoch=9), memories=memories, remembers=MEMORY)
    assert worker.memories(("0",), 4, MEMORY)[0][0] == 3.5
    bench.client.hset(bench.keys.memory("0"), "3", b"{}\n12345678")
    with pytest.raises(FedredisError, match="what slave 0 is given back: damaged"):
        worker.memories(("0",), 4, MEMORY)
    master.forget_memories([str(slave) for slave in range(2500)])
    assert not bench.client.exists(bench.keys.memory("0"))


def test_a_slave_that_failed_is_claimed_alone_and_at_last_given_up(bench):
    master = bench.begin()
    master.turn([], [opening(quorum=2)])
    worker = bench.worker()
    master.hear(0)
    claimed = claim(worker, least=3, most=3)
    assert worker.fail(claimed, "1", traceback="Traceback\n  boom") is Failure.PUT_BACK
    assert worker.fail(claimed, "1", traceback="again") is Failure.PUT_BACK  # delivered twice
    hand(worker, claimed, "0")
    hand(worker, claimed, "2")
    assert claim(worker, ["0", "1"], most=3, least=3).slaves == ("1",)
    assert worker.fail(claimed, "1", traceback="a\nbang") is Failure.GIVEN_UP
    assert bench.state() == "closed"
    assert worker.fail(claimed, "1", traceback="") is Failure.LATE
    assert [e.type for e in master.hear(0).events] == ["failed", "failed", "closed"]
    assert master.last_errors(["0", "1"]) == ["slave 1: bang"]
    assert master.missing(TRAIN, ["2", "1", "0"]) == ["1"]
    assert bench.client.hget(bench.keys.slave("1"), "failures") == b"2"
    master.turn([committal(2)], [])


def test_one_that_failed_takes_no_other_with_it(bench):
    bench.begin(5).turn([], [opening(expected=5)])
    worker = bench.worker()
    worker.fail(claim(worker, ["3"]), "3", traceback="boom")
    # As wished for it comes third; the others are claimed, it goes back to its place.
    assert claim(worker, ["0", "1", "3", "2"], least=4, most=4).slaves == ("0", "1", "2")
    assert claim(bench.worker("b"), least=4, most=4).slaves == ("3",)


def test_one_that_was_given_up_may_still_come(bench):
    master = bench.begin()
    master.turn([], [opening(quorum=2, attempts=1)])
    worker = bench.worker()
    claimed = claim(worker, least=3, most=3)
    assert worker.fail(claimed, "0", traceback="boom") is Failure.GIVEN_UP
    hand(worker, claimed, "0")
    assert bench.client.hget(bench.keys.round(TRAIN).round, "given_up") == b"0"
    hand(worker, claimed, "1", "2")
    master.turn([committal(3)], [])


def test_too_many_given_up(bench):
    master = bench.begin()
    master.turn([], [opening(quorum=3, attempts=1)])
    worker = bench.worker()
    assert worker.fail(claim(worker), "0", traceback="boom") is Failure.GIVEN_UP
    assert bench.state() == "failed"
    assert master.tend(TRAIN, JOB).state is RoundState.BELOW_QUORUM
    # Another master starts it over with those who are missing.
    assert bench.master("second").turn([], [opening()])[0].adopted
    assert (bench.state(), claim(bench.worker("x")).slaves) == ("open", ("0",))


def test_waiting_for_work(bench):
    master, worker = bench.begin(), bench.worker()
    nothing = worker.open_rounds()
    assert nothing.names == ()
    master.turn([], [opening()])
    woken = worker.wait_for_work(nothing.cursor, 1)
    assert woken.names == worker.open_rounds().names == (TRAIN,)
    assert worker.wait_for_work(woken.cursor, 0).names == ()
    bench.client.xadd(bench.keys.work, {"hostile": "1"})
    bench.client.zadd(bench.keys.open, {"no round": 1})
    assert worker.wait_for_work(woken.cursor, 0).names == ()
    assert worker.open_rounds().names == (TRAIN,)


def test_what_has_been_opened_meanwhile_is_claimed_with_it(bench):
    master, worker = bench.begin(), bench.worker()
    before = worker.open_rounds().cursor
    asks = [
        Ask(name, JOB, (), take_any=True, least=9, most=9, with_task=True)
        for name in (TRAIN, RoundName("train", 99))
    ]
    nothing = worker.wait_for_work(before, 0, asks, ["model:0"])
    assert (nothing.names, nothing.visit.claims, nothing.visit.artifacts) == ((), [None, None], {})
    master.turn([], [opening()])
    woken = worker.wait_for_work(before, 1, asks)
    found, missing = woken.visit.claims
    assert (woken.names, found.slaves, missing) == ((TRAIN,), ("0", "1", "2"), None)
    assert ("reads" in found.task, found.left) == (True, 0)
    assert bench.worker("w-2").visit([], asks[:1]).claims[0].slaves == ()


def test_artifacts_by_version(bench):
    master, worker = bench.begin(), bench.worker()
    master.turn([], [opening()])
    bench.close(master)
    model = {"w": np.array([1.5, -2.0])}
    after = RoundName("train", 2)
    openings = [opening(after, reads={"model": "model:1", "known": "preprocessing:0"})]
    master.turn([committal(artifacts={"model:1": model})], openings)
    reads = bench.client.hget(bench.keys.round(after).task, "reads")
    assert reads == b'{"model": ["model:1", "first.1"], "known": ["preprocessing:0", "0"]}'
    np.testing.assert_array_equal(worker.artifact("model:1", "first.1")["w"], [1.5, -2])
    assert worker.artifact("preprocessing:0", "0") == {}
    for name, version in (("model:1", "first.2"), ("model:2", "first.1")):
        with pytest.raises(ArtifactGoneError):
            worker.artifact(name, version)


def test_the_config_of_a_run(bench):
    with pytest.raises(RunNotFoundError):
        bench.worker().config()
    bench.begin()
    assert bench.worker().config() == config().to_json()
