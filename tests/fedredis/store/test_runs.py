from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from fedredis.codec import Schema
from fedredis.errors import RunNotFoundError
from fedredis.keys import Kind, Label
from fedredis.store import runs
from fedredis.store.artifact import Artifact

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from fedredis.config import RunConfig

MODEL = Artifact(Schema.of(weights=np.zeros(2)), [np.array([1.5, -2])])


def test_create_writes_what_can_be_read(
    fake: Redis, make_config: Callable[..., RunConfig]
) -> None:
    config = make_config(seed=7)
    runs.create(fake, "r1", config, {"model:0": MODEL})
    stored = fake.hgetall("fedredis:{r1}")
    started = int(stored[b"started"])
    assert json.loads(stored[b"config"])["seed"] == 7
    assert stored[b"status"] == b"waiting"
    assert stored[b"epoch"] == b"0"
    assert fake.zrange("fedredis:runs", 0, -1, withscores=True) == [(b"r1", started)]
    assert fake.hget("fedredis:{r1}:model:0", "schema") == b'[["weights", "<f8", [2]]]'
    assert runs.read(fake, "r1") == runs.RunState(
        run="r1",
        status="waiting",
        config=config,
        round=0,
        model="",
        preprocessing="preprocessing:0",
        started=started,
        error="",
        score=None,
    )
    model = runs.artifact(fake, "r1", "model:0")
    assert model is not None
    assert model.sha256 == MODEL.sha256
    assert runs.artifact(fake, "r1", "model:1") is None


def test_read_takes_what_the_master_wrote_later(
    fake: Redis, make_config: Callable[..., RunConfig]
) -> None:
    runs.create(fake, "r1", make_config(), {})
    assert runs.read(fake, "r1").chosen == 0
    changes = {"score": "0.75", "error": "boom", "round": "3", "status": "failed"}
    fake.hset("fedredis:{r1}", mapping=changes)
    state = runs.read(fake, "r1")
    assert (state.score, state.error, state.round) == (0.75, "boom", 3)
    assert (state.best, state.converged, state.chosen) == (0, False, 3)


def test_with_patience_a_run_stands_for_its_best_round(
    fake: Redis, make_config: Callable[..., RunConfig]
) -> None:
    changes = {"round": "3", "best": "2", "converged": "1"}
    for patience, chosen in ((0, 3), (4, 2)):
        runs.create(fake, "r1", make_config(patience=patience), {})
        fake.hset("fedredis:{r1}", mapping=changes)
        state = runs.read(fake, "r1")
        assert (state.best, state.converged, state.chosen) == (2, True, chosen)


def test_no_such_run(fake: Redis) -> None:
    with pytest.raises(RunNotFoundError, match="there is no run r1"):
        runs.read(fake, "r1")
    assert runs.history(fake, "r1") == {}
    assert runs.newest_first(fake) == []


def test_the_newest_run_comes_first(fake: Redis, make_config: Callable[..., RunConfig]) -> None:
    for started, run_id in ((3000, "b"), (1000, "c"), (2000, "a")):
        runs.create(fake, run_id, make_config(), {})
        fake.zadd("fedredis:runs", {run_id: started})
    assert [state.run for state in runs.newest_first(fake)] == ["b", "a", "c"]


def test_history_is_in_order_of_kind_and_number(fake: Redis) -> None:
    for label in ("train:10", "evaluate:2", "train:9", "statistics:1", "evaluate:10"):
        fake.hset("fedredis:{r1}:history", label, json.dumps({"name": label}))
    history = runs.history(fake, "r1")
    assert [str(label) for label in history] == [
        *("evaluate:2", "evaluate:10", "statistics:1", "train:9", "train:10")
    ]
    assert history[Label(Kind.TRAIN, 9)] == {"name": "train:9"}
    assert runs.evaluations(fake, "r1") == {2: {"name": "evaluate:2"}, 10: {"name": "evaluate:10"}}


def test_what_is_known_of_slaves(fake: Redis) -> None:
    fake.hset("fedredis:{r1}:slave:1", mapping={"host": "h", "rows": "9"})
    assert runs.slaves(fake, "r1", ("0", "1")) == {"0": {}, "1": {"host": "h", "rows": "9"}}
