from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from fedredis.errors import FedredisError, LeaseHeldError, RunNotFoundError
from fedredis.keys import RUNS, RoundName, RunKeys
from fedredis.store import runs
from fedredis.store.removal import remove
from tests.fedredis.store.conftest import ENTRY, claim, committal, config, hand, opening

if TYPE_CHECKING:
    from collections.abc import Callable


KEYS = RunKeys("r1")


def test_create(client):
    made = config(2500, seed=7)
    runs.create(client, "r1", made)
    state = runs.read(client, "r1")
    assert state == runs.RunState(
        run="r1",
        status="waiting",
        config=made,
        round=0,
        model="",
        preprocessing="preprocessing:0",
        started=state.started,
        error="",
        score=None,
    )
    assert client.zrange(RUNS, 0, -1, withscores=True) == [(b"r1", state.started)]
    everyone = client.zrange(KEYS.everyone, 0, -1, withscores=True)
    assert everyone == [(str(i).encode(), i) for i in range(2500)]
    assert runs.artifact(client, "r1", "preprocessing:0") == {}
    assert runs.artifact(client, "r1", "model:1") is None


@pytest.mark.parametrize(("patience", "chosen"), [(0, 3), (4, 2)])
def test_what_the_master_writes_later(client, patience, chosen):
    runs.create(client, "r1", config(patience=patience))
    written = {"round": "3", "best": "2", "converged": "1", "score": "0.75", "error": "boom"}
    client.hset(KEYS.run, mapping=written)
    state = runs.read(client, "r1")
    assert (state.round, state.best, state.converged, state.score) == (3, 2, True, 0.75)
    assert (state.chosen, state.error) == (chosen, "boom")


def test_history_scores_and_failures(client):
    for name in ("train:10", "evaluate:2", "train:9", "evaluate:10"):
        entry = {**ENTRY, "r2": None if name[-1] == "2" else 0.5}
        client.hset(KEYS.history, name, json.dumps(entry))
    assert [str(name) for name in runs.history(client, "r1")] == [
        *("evaluate:2", "evaluate:10", "train:9", "train:10")
    ]
    assert runs.scores(client, "r1", "r2") == {2: None, 10: 0.5}
    client.hset(KEYS.slave("1"), mapping={"failures": "2", "error": "boom\x1b[31m"})
    told = {"1": {"failures": "2", "error": "boom\ufffd[31m"}}
    assert runs.failures(client, "r1", ("0", "1")) == told


def test_newest_first_steps_over_what_is_damaged(client):
    for started, run_id in ((3, "b"), (1, "c"), (2, "a"), (4, "d"), (5, "e"), (6, "gone")):
        runs.create(client, run_id, config())
        client.zadd(RUNS, {run_id: started})
    client.hset(RunKeys("d").run, "config", "[" * 100_000)
    client.delete(RunKeys("e").run, RunKeys("gone").run)
    client.set(RunKeys("e").run, "planted")
    lines = []
    assert [state.run for state in runs.newest_first(client, lines.append)] == ["b", "a", "c"]
    assert [line.split(":")[0] for line in lines] == [
        *("there is no run gone", "run e is damaged in Redis", "run d is damaged in Redis")
    ]
    with pytest.raises(RunNotFoundError):
        runs.read(client, "nobody")


DAMAGED = "run r1 is damaged in Redis: "
HOSTILE = (b"", b"abc", b"-1", b"nan", b"1e999", b"[]", b"{}", b"[[", b"\xff\x00", b"9" * 5000)


def line_of(read: Callable[[], Any]) -> str | None:
    """Return what a reader says if it fails as it should."""
    try:
        read()
    except FedredisError as error:
        return f"{error}{' as usage' * (error.exit_code != 1)}"
    return None


@pytest.mark.parametrize("value", HOSTILE)
def test_any_value_anywhere_is_a_value_or_a_line(client, value):
    runs.create(client, "r1", config())
    told = json.dumps([{"rows": 5}]).encode()
    stored = config().to_json()
    places = [(KEYS.run, name) for name in (*client.hkeys(KEYS.run), "score", "best")]
    places += [(KEYS.history, "train:1"), (KEYS.history, value), (KEYS.slaves, "train")]
    places += [(KEYS.artifact("preprocessing:0"), "schema")]
    for key, name in places:
        client.hset(key, name, value)
        for read in (
            lambda: runs.read(client, "r1"),
            lambda: runs.history(client, "r1"),
            lambda: runs.scores(client, "r1", "r2"),
            lambda: runs.slaves(client, "r1"),
            lambda: runs.artifact(client, "r1", "preprocessing:0"),
        ):
            assert (line_of(read) or DAMAGED).startswith(DAMAGED)
        client.delete(KEYS.history, KEYS.slaves, KEYS.run)
        runs.create(client, "r1", config())
    mutated = json.loads(stored)
    for name in mutated:
        for odd in (None, "x", -1, 1.5, [], {}, [[1]], True):
            client.hset(KEYS.run, "config", json.dumps({**mutated, name: odd}))
            assert (line_of(lambda: runs.read(client, "r1")) or DAMAGED).startswith(DAMAGED)
    client.hset(KEYS.slaves, "train", told)
    assert runs.slaves(client, "r1") == {"train": [{"rows": 5}]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("confusion", f"[[{cell}]]") for cell in ("NaN", "1.5", "-1", "true", "null", "1e400")),
        *(("accuracy", figure) for figure in ("NaN", "Infinity", "1e301")),
    ],
)
def test_a_round_comes_to_no_such_numbers(client, field, value):
    runs.create(client, "r1", config())
    sound = '{"slaves": 3, "samples": 9, "ms": 1.5, "missing": [], "refused": {}, "%s": %s}'
    client.hset(KEYS.history, "evaluate:1", sound % (field, "[[4]]" if "[" in value else "0.5"))
    assert line_of(lambda: runs.history(client, "r1")) is None
    client.hset(KEYS.history, "evaluate:1", sound % (field, value))
    said = f"{DAMAGED}its history of evaluate:1 is not what a round comes to"
    assert line_of(lambda: runs.history(client, "r1")) == said


def test_remove(bench):
    client = bench.client
    for other in ("r11", "r", "x*"):
        runs.create(client, other, config())
    before = set(client.keys())
    master = bench.begin()
    master.turn([], [opening()])
    bench.close(master)
    master.turn([committal()], [opening(RoundName("train", 2))])
    worker = bench.worker()
    hand(worker, claim(worker, name=RoundName("train", 2)))
    with pytest.raises(LeaseHeldError, match="run r1 is going on"):
        remove(client, "r1", token="t")
    master.release("stopped")
    assert remove(client, "r1", token="t") > 5
    assert set(client.keys()) == before
    with pytest.raises(RunNotFoundError):
        remove(client, "r1", token="t")
    with pytest.raises(RunNotFoundError):
        remove(client, "*", token="t")
    remove(client, "x*", token="t")
    assert {key for key in client.scan_iter() if b"{r" in key} | {RUNS.encode()} == {
        key for key in before if b"{x*}" not in key
    }


def test_a_removed_run_is_gone_for_its_workers(bench):
    bench.begin().turn([], [opening()])
    worker = bench.worker()
    held = claim(worker)
    bench.client.delete(bench.keys.lease)
    remove(bench.client, "r1", token="t")
    assert worker.open_rounds().names == ()
    assert (claim(worker), hand(worker, held).state.name) == (None, "LATE")
