from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import redis

from fedredis.arrays import Bundle
from fedredis.errors import (
    BlobError,
    FedredisError,
    LeaseHeldError,
    LeaseLostError,
    RunGoneError,
    RunNotFoundError,
    StateLostError,
)
from fedredis.keys import RoundName, RunKeys
from fedredis.store import runs
from fedredis.store.master import MasterStore
from fedredis.store.results import Failure, RoundState, SubmissionState
from fedredis.store.turns import Opened
from tests.fedredis.store.conftest import (
    ENTRY,
    JOB,
    MODEL,
    SCHEMA,
    TRAIN,
    Bench,
    claim,
    committal,
    hand,
    opening,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NEXT = RoundName("train", 2)


def names(master: MasterStore, start: int = 0) -> list[str]:
    return [called for _, called, _ in master.bundles({TRAIN: start})]


def test_the_lease(bench):
    other = MasterStore(bench.client, bench.keys, token="second", lease_ms=60_000)
    with pytest.raises(RunNotFoundError):
        other.acquire()
    first = bench.begin()
    with pytest.raises(LeaseHeldError):
        other.acquire()
    assert bench.client.hget(bench.keys.run, "status") == b"running"
    epochs = [bench.epoch()]
    assert first.release("stopped", "why") in (True, False)
    other.acquire()
    assert bench.client.hget(bench.keys.run, "error") == b""
    epochs.append(bench.epoch())
    bench.client.hset(bench.keys.run, "epoch", 0)  # as the server goes back
    other.acquire()
    epochs.append(bench.epoch())
    assert sorted({*epochs}) == epochs
    for step in STEPS.values():
        with pytest.raises(LeaseLostError):
            step(first)


STEPS: dict[str, Callable[[MasterStore], Any]] = {
    "open": lambda master: master.turn([], [opening(NEXT)]),
    "commit": lambda master: master.turn([committal()], []),
    "tend": lambda master: master.tend(TRAIN, JOB),
    "refuse": lambda master: master.refuse(TRAIN, {"update:1": "why"}),
    "release": lambda master: master.release("finished"),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_run_that_is_gone_or_went_back_in_time(bench, step):
    master = bench.begin()
    master.turn([], [opening()])
    bench.close(master)
    before = bench.dump()
    bench.client.hset(bench.keys.run, "sequence", 1)
    with pytest.raises(StateLostError, match="run r1: it has gone back in time: the server has"):
        STEPS[step](master)
    if step == "tend":
        assert bench.dump() == before
    bench.client.flushall()
    with pytest.raises(RunGoneError, match=r"^run r1 is gone from Redis: it was deleted, or "):
        STEPS[step](master)
    assert bench.client.dbsize() == 0


def test_a_master_goes_on_from_what_redis_says(bench):
    master = bench.begin()
    bench.client.hset(bench.keys.run, mapping={"sequence": 0, "master": "of old"})
    with pytest.raises(StateLostError):
        master.tend(TRAIN, JOB)
    bench.client.delete(bench.keys.lease)
    master.acquire()
    assert master.turn([], [opening()]) == [Opened(False, ())]


@pytest.mark.parametrize("lease", ["of old", "held"])
def test_half_a_commit_is_made_whole_by_whoever_goes_on(bench, lease):
    """A server that starts once more may do the first commands of a script alone."""
    master = bench.begin()
    entries = [["evaluate:6", '{"r2":1}'], ["train:7", "{}"]]
    told = [json.dumps({"round": "7", "model": "model:7"}), entries]
    bench.client.set(bench.keys.last, json.dumps(told))
    bench.client.hset(bench.keys.run, "round", 7)
    if lease == "of old":
        bench.client.delete(bench.keys.lease)
    master.acquire()
    state = bench.client.hmget(bench.keys.run, "round", "model")
    assert state == [b"7", b"model:7"]
    history = bench.client.hgetall(bench.keys.history)
    assert history == {b"evaluate:6": b'{"r2":1}', b"train:7": b"{}"}


def test_half_a_lease_is_none(bench):
    """It is held, and yet another master's name stands in the run."""
    master = bench.begin()
    bench.client.hset(bench.keys.run, mapping={"master": "of old", "sequence": 0})
    master.acquire()
    assert master.turn([], [opening()]) == [Opened(False, ())]


@pytest.fixture
def trips(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Count round trips: note what goes to the server, command by command."""
    noted: list[list[str]] = []
    sending, single = redis.client.Pipeline.execute, redis.Redis.execute_command

    def send(pipeline: Any, *args: Any, **more: Any) -> Any:
        noted.append([words[0][0] for words in pipeline.command_stack])
        return sending(pipeline, *args, **more)

    def one(client: Any, *words: Any, **more: Any) -> Any:
        noted.append([words[0]])
        return single(client, *words, **more)

    monkeypatch.setattr(redis.client.Pipeline, "execute", send)
    monkeypatch.setattr(redis.Redis, "execute_command", one)
    return noted


def test_a_release_is_asked_for_on_the_connection_that_wrote(bench, trips):
    master = bench.begin()
    master.release("stopped")
    master.acquire()
    trips.clear()
    master.release("finished")
    assert trips[0] == ["EVALSHA", "WAITAOF"]
    assert bench.client.hmget(bench.keys.run, "status", "error") == [b"finished", b""]
    assert 0 < bench.client.ttl(bench.keys.events) <= 86400


def test_a_turn_is_one_round_trip(bench, trips):
    master = bench.begin()
    master.turn([], [opening()])
    bench.close(master)
    master.turn([committal(artifacts=MODEL)], [opening(NEXT, reads={"model": "model:1"})])
    bench.close(master, NEXT)
    two = RoundName("train", 3), RoundName("evaluate", 2)
    reads = {"model": "model:2", "known": "model:1"}
    done = committal(name=NEXT, artifacts={"model:2": MODEL["model:1"]})
    assert len(list(master.bundles({NEXT: 0}))) == 1
    trips.clear()
    opened = master.turn([done], [opening(name, reads=reads) for name in two])
    assert opened == [Opened(False, ("w",)), Opened(False, ("w",))]
    assert trips == [[*["EVALSHA"] * 4, "XREAD"]]


def test_what_a_commit_leaves(bench):
    master = bench.begin()
    master.turn([], [opening()])
    bench.close(master)
    before = set(bench.client.keys())
    assert len(names(master)) == 1
    kept = committal(
        artifacts=MODEL, drop=("preprocessing:0",), slaves='[{"rows": 5}]', warnings=("hm", "ha")
    )
    master.turn([kept], [])
    keys = bench.keys
    gone = {key for key in before if b":round:" in key or b"preprocessing" in key}
    new = {keys.history, keys.last, keys.slaves, keys.warnings, "model:1", "model:1:parts"}
    new = {key.removeprefix(f"{keys.run}:") for key in new}
    assert set(bench.client.keys()) == before - gone | {f"{keys.run}:{k}".encode() for k in new}
    assert runs.read(bench.client, "r1").round == 1
    assert runs.history(bench.client, "r1") == {TRAIN: ENTRY}
    assert runs.slaves(bench.client, "r1") == {"train": [{"rows": 5}]}
    master.warn("ho", "hm", "ho")
    assert runs.warnings(bench.client, "r1") == ["hm", "ha", "ho"]
    assert bench.client.ttl(keys.parts("model:1")) == -1


def test_what_came_in_with_a_round_is_committed_with_it(bench: Bench) -> None:
    master, test = bench.begin(), RoundName("evaluate", 1)
    master.turn([], [opening(NEXT)])
    bench.close(master, NEXT)
    master.turn([committal(name=NEXT, entries={test: {**ENTRY, "r2": 0.5}, NEXT: ENTRY})], [])
    assert runs.history(bench.client, "r1") == {test: {**ENTRY, "r2": 0.5}, NEXT: ENTRY}
    told = [entry[b"round"] for _, entry in bench.client.xrange(bench.keys.events)]
    assert told[-2:] == [b"evaluate:1", b"train:2"]
    assert bench.client.hmget(bench.keys.counts, "rounds:evaluate", "rounds:train") == [b"1"] * 2


@pytest.mark.parametrize(
    ("lose", "why"),
    [
        (lambda bench, round_: bench.client.delete(round_.round), "the round is gone"),
        (lambda bench, round_: bench.client.hset(round_.round, "state", "open"), "not closed"),
        (lambda bench, round_: bench.client.hdel(round_.inside, "1"), "others are in"),
        (lambda bench, round_: bench.client.hset(round_.inside, "9", "b"), "others are in"),
    ],
)
def test_a_commit_of_what_was_lost(bench, lose, why):
    master = bench.begin()
    master.turn([], [opening()])
    bench.close(master)
    lose(bench, bench.keys.round(TRAIN))
    before = bench.dump()
    with pytest.raises(StateLostError, match=f"run r1: round train:1 .*{why}.*: the server has"):
        master.turn([committal(artifacts=MODEL)], [opening(NEXT)])
    assert bench.dump() == before  # nor is the next one open


def test_parts_that_are_lost_on_the_way(bench, monkeypatch):
    master = bench.begin()
    master.turn([], [opening()])
    bench.close(master)
    monkeypatch.setattr("fedredis.store.scripts.STAGED_MS", 0)
    with pytest.raises(StateLostError, match="parts of what it came to are gone"):
        master.turn([committal(artifacts=MODEL)], [])


def test_large_artifacts(bench, monkeypatch):
    monkeypatch.setattr("fedredis.arrays.blob.PART_BYTES", 64)
    monkeypatch.setattr("fedredis.store.scripts.TRIP_BYTES", 100)
    master = bench.begin()
    master.turn([], [opening()])
    bench.close(master)
    large = {"a": np.arange(50.0), "b": np.arange(9)}
    master.turn([committal(artifacts={"model:1": large, "x:1": large})], [])
    for name in ("model:1", "x:1"):
        found = runs.artifact(bench.client, "r1", name)
        assert found is not None
        np.testing.assert_array_equal(found["a"], large["a"])
        assert found["b"].dtype == "<i8"
    bench.client.lset(bench.keys.parts("x:1"), 2, b"?" * 64)
    with pytest.raises(FedredisError, match="run r1 is damaged in Redis: its x:1: damaged"):
        runs.artifact(bench.client, "r1", "x:1")


def test_an_opening_needs_what_it_reads(bench):
    with pytest.raises(FedredisError, match="run r1: its model:7 is gone"):
        bench.begin().turn([], [opening(reads={"model": "model:7"})])
    assert bench.state() == ""


@pytest.mark.parametrize("slaves", [None, ("2", "0")])
def test_what_an_opening_leaves(bench, slaves):
    master = bench.begin()
    assert master.turn([], [opening(slaves=slaves, task={"a": "b"})]) == [Opened(False, ())]
    asked = slaves or ("0", "1", "2")
    round_ = bench.keys.round(TRAIN)
    assert bench.client.zrange(round_.ids, 0, -1) == [s.encode() for s in asked]
    found = bench.client.hgetall(round_.round)
    assert int(found.pop(b"deadline")) == int(found.pop(b"opened")) + 60_000
    expected = str(len(asked)).encode()
    assert found == {
        b"state": b"open",
        b"epoch": str(bench.epoch()).encode(),
        b"expected": expected,
        b"quorum": expected,
        b"attempts": b"2",
        b"workers": b"0",
        b"given_up": b"0",
    }
    assert bench.client.hgetall(round_.task) == {b"a": b"b", b"reads": b"{}"}
    bench.client.delete(bench.keys.everyone)
    with pytest.raises(StateLostError, match="its slaves are gone"):
        master.turn([], [opening(NEXT)])


@pytest.mark.parametrize("slaves", [None, ("0", "1", "2", "3", "4", "5")])
def test_adopting_lists_whoever_was_lost_again(bench, slaves):
    asked = opening(slaves=slaves, expected=6, quorum=1, attempts=1)
    bench.begin(6).turn([], [asked])
    worker, dead = bench.worker(), bench.worker("dead")
    hand(worker, claim(worker, ["0"]))
    worker.fail(claim(worker, ["1"]), "1", traceback="boom")
    claim(worker, ["2"])
    claim(dead, ["3"])
    dead.detach(JOB)
    ids, claims = bench.keys.round(TRAIN).ids, bench.keys.round(TRAIN).claims
    bench.client.zrem(ids, "4")
    master = bench.master("second")
    assert master.turn([], [asked])[0].adopted
    assert bench.client.zrange(ids, 0, -1) == [b"3", b"4", b"5"]
    assert bench.client.hgetall(claims) == {b"2": b"w"}
    # A claim of before goes on; its worker gets it again if it does not know of it.
    last = claim(worker)
    assert last.slaves == ("2",)
    assert hand(worker, last).state is SubmissionState.COUNTED
    assert master.tend(TRAIN, JOB).state is RoundState.OPEN


@pytest.mark.parametrize("left", [{}, {"a": "b"}])
def test_adopting_gives_a_task_that_was_lost_again(bench, left):
    """Of what a server has lost twice, the round may be there and its task not, or half of it."""
    asked = opening(task={"a": "b"})
    bench.begin().turn([], [asked])
    task = bench.keys.round(TRAIN).task
    bench.client.delete(task)
    if left:
        bench.client.hset(task, mapping=left)
    assert bench.master("second").turn([], [asked])[0].adopted
    assert bench.client.hgetall(task) == {b"a": b"b", b"reads": b"{}"}


def test_tending(bench):
    master = bench.begin()
    master.turn([], [opening()])
    worker = bench.worker()
    bench.client.pexpire(bench.keys.lease, 100)
    hand(worker, claim(worker, least=2, most=2))
    stands = master.tend(TRAIN, JOB)
    assert (stands.state, stands.arrived, stands.bundles) == (RoundState.OPEN, 2, 1)
    assert stands.attached == ("w",)
    assert bench.client.pttl(bench.keys.lease) > 100
    bench.client.hset(bench.keys.round(TRAIN).round, "deadline", 1)
    assert master.tend(TRAIN, JOB).state is RoundState.BELOW_QUORUM
    bench.client.hset(bench.keys.round(TRAIN).round, "quorum", 2)
    assert master.tend(TRAIN, JOB).state is RoundState.CLOSED
    assert bench.state() == "closed"
    with pytest.raises(StateLostError, match="round train:2 is gone"):
        master.tend(NEXT, JOB)


def test_a_claim_ends_with_its_worker_and_counts_as_an_attempt(bench):
    master = bench.begin()
    master.turn([], [opening(quorum=1)])
    worker, other = bench.worker(), bench.worker("other")
    held = claim(worker, least=2, most=2)
    hand(other, claim(other))
    assert master.tend(TRAIN, JOB).state is RoundState.OPEN
    for attempt in (1, 2):
        bench.client.zadd(bench.keys.attached(JOB), {"w": 1})
        stands = master.tend(TRAIN, JOB)
        assert stands.attached == ("other",)
        tried = bench.client.hgetall(bench.keys.round(TRAIN).attempts)
        assert set(tried.values()) == {str(attempt).encode()}
        assert set(tried) == {b"0", b"1"}
        if attempt == 1:
            assert claim(worker).slaves == ("0",)
            assert claim(bench.worker("x")).slaves == ("1",)
            bench.client.zadd(bench.keys.attached(JOB), {"x": 1})
    assert stands.state is RoundState.CLOSED
    assert master.last_errors(["0"]) == [
        "slave 0: worker w ended while it worked for it (killed, perhaps out of memory, or by "
        "what it ran)"
    ]
    assert hand(worker, held).state is SubmissionState.LATE


def test_a_claim_that_a_stranger_wrote(bench):
    master = bench.begin()
    master.turn([], [opening()])
    bench.client.hset(bench.keys.round(TRAIN).claims, mapping={b"\xff\x1b": b"\x00", b"1": ""})
    assert master.tend(TRAIN, JOB).state is RoundState.OPEN
    assert not bench.client.exists(bench.keys.round(TRAIN).claims)


def test_refusing(bench):
    master = bench.begin()
    master.turn([], [opening(quorum=1)])
    workers = [bench.worker(f"w{s}", alone=s) for s in "012"]
    claims = [claim(worker, [s]) for worker, s in zip(workers, "012", strict=True)]
    memories = {"memories": [[np.array([1, 2])]], "remembers": SCHEMA}
    for worker, held in zip(workers, claims, strict=True):
        hand(worker, held, **memories)
    assert names(master) == ["update:0", "update:1", "update:2"]
    assert bench.state() == "closed"
    for tries in (1, 2):
        master.refuse(TRAIN, {"update:1": "it is not finite"})
        assert names(master, 1) == ["update:2"]
        stands = master.tend(TRAIN, JOB)
        assert (stands.arrived, stands.bundles) == (2, 2)
        assert not bench.client.exists(bench.keys.memory("1"))
        if tries == 1:
            assert (stands.state, bench.state()) == (RoundState.OPEN, "open")
            assert master.missing(TRAIN, "012") == ["1"]
            hand(workers[1], claim(workers[1], ["1"]), **memories)
            assert names(master, 2) == ["update:1"]
            assert bench.state() == "closed"
    # Without attempts left it is given up, and the quorum goes on without it.
    assert bench.state() == "closed"
    assert master.last_errors(["1"]) == ["slave 1: it is not finite"]
    master.turn([committal(2)], [])
    assert not bench.client.keys(f"{bench.keys.round(TRAIN).round}*")


def test_a_master_that_ends_in_the_midst_of_refusing(bench):
    master = bench.begin()
    master.turn([], [opening(attempts=1)])
    bench.close(master)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fedredis.store.steps.fail", lambda *_, **__: None)
        master.refuse(TRAIN, dict.fromkeys(names(master), "why"))
    assert master.tend(TRAIN, JOB).state is RoundState.BELOW_QUORUM


def test_what_strangers_put_on_the_list(bench):
    master = bench.begin()
    master.turn([], [opening()])
    worker, round_ = bench.worker("w0", alone="0"), bench.keys.round(TRAIN)
    bench.client.rpush(round_.bundles, "", "update:1", "../lease", "bundle:x", "a b")
    hand(worker, claim(worker, ["0"]))
    bench.client.rpush(round_.bundles, "update:0", "update:2")
    bench.client.set(round_.bundle("update:2"), "no list")
    found = {called: parts for _, called, parts in master.bundles({TRAIN: 0})}
    assert list(found) == ["update:1", "update:0", "update:2"]
    assert Bundle.of(SCHEMA, found["update:0"]).slaves == ("0",)
    for name in ("update:1", "update:2"):
        with pytest.raises(BlobError):
            Bundle.of(SCHEMA, found[name])
    assert [called for _, called, _ in master.bundles({TRAIN: 2})] == ["update:2"]
    master.refuse(TRAIN, {"update:1": "none", "update:2": "none"})
    assert names(master) == ["update:0"]
    assert master.tend(TRAIN, JOB).bundles == 1


@pytest.mark.parametrize("step", ["open", "claim", "submit", "fail", "tend", "refuse", "commit"])
def test_delivered_twice(bench, monkeypatch, step):
    execute = type(bench.client.pipeline()).execute
    stands = []

    def twice(pipeline, *args, **more):
        commands = list(pipeline.command_stack)
        answer = execute(pipeline, *args, **more)
        if more.get("raise_on_error"):
            stands.append(bench.dump())
            pipeline.command_stack = commands
            again = execute(pipeline, *args, **more)
            stands.append(bench.dump())
            return again
        return answer

    def run(at, act):
        with monkeypatch.context() as patch:
            if at == step:
                patch.setattr(type(bench.client.pipeline()), "execute", twice)
            return act()

    master, worker = bench.begin(), bench.worker()
    run("open", lambda: master.turn([], [opening(attempts=3)]))
    held = run("claim", lambda: claim(worker, least=2, most=2))
    assert held.slaves == ("0", "1")
    failing = run("fail", lambda: worker.fail(held, "1", traceback="boom"))
    assert failing is Failure.PUT_BACK
    memories = {"memories": [[np.array([1, 2])]], "remembers": SCHEMA}
    submit = run("submit", lambda: hand(worker, held, "0", **memories))
    assert submit.state is SubmissionState.COUNTED
    dead = bench.worker("dead")
    claim(dead)
    dead.detach(JOB)
    assert run("tend", lambda: master.tend(TRAIN, JOB)).arrived == 1
    (name,) = names(master)
    run("refuse", lambda: master.refuse(TRAIN, {name: "why"}))
    for _ in range(3):
        hand(worker, claim(worker))
    names(master)
    run("commit", lambda: master.turn([committal(artifacts=MODEL)], [opening(NEXT)]))
    assert runs.read(bench.client, "r1").round == 1
    assert len(stands) >= 2
    # Attachments last longer, and what was staged in vain ends by itself or with the next.
    moving = {bench.keys.attached(JOB), bench.keys.memory("0")}
    moving |= {bench.keys.staged("first", "model:1"), bench.keys.round(TRAIN).staged("w")}
    for before, after in zip(stands[::2], stands[1::2], strict=True):
        for key in before.keys() | after.keys():
            if key.decode() not in moving:
                assert after.get(key) == before.get(key), key


def test_scripts_that_the_server_forgets(bench):
    master, worker = bench.begin(), bench.worker()
    steps = [
        lambda: master.turn([], [opening()]),
        lambda: hand(worker, claim(worker, least=3, most=3)),
        lambda: master.tend(TRAIN, JOB),
        lambda: master.turn([committal(artifacts=MODEL)], [opening(NEXT)]),
        lambda: worker.attach(JOB),
        lambda: master.release("finished"),
    ]
    for step in steps:
        bench.client.script_flush()
        step()
    assert runs.read(bench.client, "r1").status == "finished"


def test_a_round_of_a_thousand_takes_few_commands(bench):
    everyone = {"expected": 1000, "quorum": 1000}
    master, workers = bench.begin(1000), [bench.worker("a"), bench.worker("b")]
    master.turn([], [opening(**everyone)])
    bench.client.config_resetstat()
    while claims := [claim(worker, least=125, most=125) for worker in workers]:
        if not any(claims):
            break
        for worker, claimed in zip(workers, claims, strict=True):
            hand(worker, claimed)
    names(master)
    master.turn([committal(1000)], [opening(NEXT, **everyone)])
    stats = bench.client.info("commandstats").values()
    # Those in scripts are among them.
    assert sum(command["calls"] for command in stats) < 0.5 * 1000


def test_a_hundred_thousand_slaves(bench):
    many, most = 100_000, 20_000
    master, worker = bench.begin(many), bench.worker()
    quorum = {"expected": many, "quorum": many}
    master.turn([], [opening(**quorum)])
    first = [str(slave) for slave in range(most)]
    while claimed := claim(worker, least=most, most=most):
        if bench.client.zcard(bench.keys.round(TRAIN).ids) == 60_000:
            assert bench.master("second").turn([], [opening(**quorum)])[0].adopted
            master = bench.master("third")
        assert hand(worker, claimed).state is SubmissionState.COUNTED
    assert claim(worker) is None
    assert master.missing(TRAIN, first) == []
    (name,) = names(master)[:1]
    master.refuse(TRAIN, {name: "why"})
    assert len(master.missing(TRAIN, first)) == most
    while claimed := claim(worker, least=most, most=most):
        hand(worker, claimed)
        if len(claimed.slaves) < 2:
            break
    bench.client.hset(bench.keys.round(TRAIN).round, mapping={"deadline": 1, "quorum": 1})
    inside = master.tend(TRAIN, JOB).arrived
    names(master)
    master.turn([committal(inside)], [opening(NEXT, **quorum)])
    assert not bench.client.keys(f"{bench.keys.round(TRAIN).round}*")


#: Keys of a run and of a round, and some of their kinds, by what is planted there.
PLANTED = {
    **dict.fromkeys(("run", "history", "everyone", "slaves", "lease", "open"), "list"),
    **dict.fromkeys(("warnings", "events", "work", "round", "task", "ids", "claims"), "string"),
    **dict.fromkeys(("inside", "bundles", "attempts", "attached", "artifact"), "string"),
    **dict.fromkeys(("parts", "slave", "memory"), "string"),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_key_of_a_wrong_type_ends_in_a_line(bench, planted):
    """Nothing but fedredis' own errors, whatever is planted where, and whoever comes across it."""
    keys, round_ = RunKeys("r1"), RunKeys("r1").round(TRAIN)
    of_kind = {
        "artifact": keys.artifact("preprocessing:0"),
        "parts": keys.parts("preprocessing:0"),
        "attached": keys.attached(JOB),
        "slave": keys.slave("1"),
        "memory": keys.memory("0"),
    }
    named = getattr(round_ if hasattr(round_, planted) else keys, planted)
    key = of_kind.get(planted, named)
    master, worker = bench.begin(), bench.worker()
    reads = {"reads": {"known": "preprocessing:0"}}
    master.turn([], [opening(**reads)])
    held = claim(worker, least=2, most=2)
    hand(worker, held, "0")
    bench.client.delete(key)
    if PLANTED[planted] == "list":
        bench.client.rpush(key, "planted")
    else:
        bench.client.set(key, "planted")
    memories = {"memories": [[np.array([1, 2])]], "remembers": SCHEMA}
    steps = [
        lambda: MasterStore(bench.client, keys, token="b", lease_ms=100).acquire(),
        lambda: master.tend(TRAIN, JOB),
        lambda: names(master),
        lambda: master.missing(TRAIN, ["1"]),
        lambda: master.last_errors(["1"]),
        lambda: master.warn("x"),
        lambda: worker.attach(JOB),
        lambda: worker.fail(held, "1", traceback="x"),
        lambda: worker.memories(["0"], 2, SCHEMA),
        lambda: worker.artifact("preprocessing:0", "0"),
        lambda: worker.open_rounds(),
        lambda: worker.wait_for_work(b"0-0", 0),
        lambda: master.hear(0, {TRAIN: 0}),
        lambda: claim(worker, with_task=True),
        lambda: hand(worker, held, "0", **memories),
        lambda: hand(worker, held, "1", **memories),
        lambda: master.refuse(TRAIN, {"update:1": "x"}),
        lambda: master.turn([committal(artifacts=MODEL)], [opening(NEXT, **reads)]),
        lambda: runs.read(bench.client, "r1"),
        lambda: runs.history(bench.client, "r1"),
        lambda: runs.slaves(bench.client, "r1"),
        lambda: runs.warnings(bench.client, "r1"),
        lambda: runs.failures(bench.client, "r1", ["1"]),
        lambda: master.release("failed"),
    ]
    said = list(filter(None, map(line_of, steps)))
    # A stream is healed by whoever writes to it.
    assert said or planted in ("events", "work")
    assert all("\n" not in line and len(line) < 400 for line in said)


def line_of(step: Callable[[], Any]) -> str | None:
    """Return what a step says if it fails as it should."""
    try:
        step()
    except FedredisError as error:
        return str(error)
    return None


def test_fields_that_hold_no_numbers_end_in_a_line(bench):
    """Or do no harm: the next opening puts them right."""
    master, worker = bench.begin(20), bench.worker()
    master.turn([], [opening(expected=20, quorum=20)])
    round_ = bench.keys.round(TRAIN).round
    for field in ("expected", "quorum", "deadline", "epoch", "given_up", "attempts"):
        was = bench.client.hget(round_, field)
        bench.client.hset(round_, field, "many")
        said = [
            line_of(lambda: master.tend(TRAIN, JOB)),
            line_of(lambda: worker.fail(claim(worker), "0", traceback="x")),
            line_of(lambda: hand(worker, claim(worker))),
        ]
        assert all("run r1" in line for line in said if line)
        bench.client.hset(round_, field, was)
    bench.client.hset(bench.keys.run, "sequence", "many")
    with pytest.raises(FedredisError, match=r"run r1 is damaged.*a run without a sequence"):
        master.tend(TRAIN, JOB)


def test_streams_that_are_full_start_anew(bench):
    master, worker = bench.begin(), bench.worker()
    master.hear(0)
    cursor = worker.open_rounds().cursor
    last = "18446744073709551615-18446744073709551615"
    for stream in (bench.keys.events, bench.keys.work):
        bench.client.xadd(stream, {"round": "train:9"}, id=last)
    assert worker.wait_for_work(cursor, 0).cursor == cursor
    master.turn([], [opening()])
    hand(worker, claim(worker, most=3), "0", "1", "2")
    assert [event.type for event in master.hear(0).events] == ["closed"]
    assert worker.wait_for_work(cursor, 0).names == (TRAIN,)


def test_a_wait_ends_with_what_happens(bench):
    master = bench.begin()
    master.hear(0)
    woken = []
    waiting = threading.Thread(target=lambda: woken.extend(master.hear(10).events))
    waiting.start()
    bench.client.xadd(bench.keys.events, {"type": "closed", "round": "train:1"})
    waiting.join()
    assert [(event.type, event.round) for event in woken] == [("closed", "train:1")]
