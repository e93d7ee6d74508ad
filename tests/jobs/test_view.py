from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from fedredis.codec import Schema
from fedredis.errors import RunNotFoundError
from fedredis.features import Plain
from fedredis.jobs.view import ARTIFACTS_KEPT, ArtifactGoneError, RunView
from fedredis.keys import Kind, RunKeys
from fedredis.models import LogisticRegression
from fedredis.store.artifact import Artifact

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from fedredis.config import RunConfig
    from fedredis.jobs.context import WorkerContext


def put(client: Redis, keys: RunKeys, name: str, value: float) -> None:
    array = np.array([value])
    client.hset(keys.artifact(name), mapping=Artifact(Schema.of(a=array), [array]).to_fields())


def test_a_run_is_read_once(
    client: Redis, keys: RunKeys, make_config: Callable[..., RunConfig]
) -> None:
    run = RunView.open(client, keys, "w-1")
    assert run.config == make_config()
    assert run.features == Plain(run.config.columns)
    assert run.model({}) == LogisticRegression(2, 3)
    assert run.run_id == keys.run_id


def test_no_such_run(client: Redis) -> None:
    with pytest.raises(RunNotFoundError, match="there is no run r9"):
        RunView.open(client, RunKeys("r9"), "w-1")


def test_claims_last_as_long_as_the_run_says(
    client: Redis, keys: RunKeys, make_config: Callable[..., RunConfig]
) -> None:
    client.hset(keys.run, "config", make_config(lease_ms=777_000).to_json())
    run = RunView.open(client, keys, "w-1")
    run.store.attach(Kind.TRAIN)
    until = client.zscore(keys.attached(Kind.TRAIN), "w-1")
    assert until / 1000 - client.time()[0] > 700


def test_artifacts_are_fetched_once_and_the_oldest_forgotten(client: Redis, keys: RunKeys) -> None:
    run = RunView.open(client, keys, "w-1")
    names = [f"model:{number}" for number in range(1, ARTIFACTS_KEPT + 1)]
    for name in names:
        put(client, keys, name, 1)
        assert run.artifact(name)["a"] == 1
        put(client, keys, name, 2)
    assert [float(run.artifact(name)["a"][0]) for name in names] == [1] * ARTIFACTS_KEPT
    put(client, keys, "model:9", 9)
    assert run.artifact("model:9")["a"] == 9
    assert run.artifact(names[1])["a"] == 1
    assert run.artifact(names[0])["a"] == 2


def test_an_artifact_that_is_gone(client: Redis, keys: RunKeys) -> None:
    run = RunView.open(client, keys, "w-1")
    with pytest.raises(ArtifactGoneError, match="model:7 is gone"):
        run.artifact("model:7")
    put(client, keys, "model:7", 7)
    assert run.artifact("model:7")["a"] == 7


def test_a_context_keeps_the_run_that_it_looked_at_last(
    client: Redis, keys: RunKeys, make_context: Callable[..., WorkerContext]
) -> None:
    client.hset("fedredis:{r2}", mapping=client.hgetall(keys.run))
    context = make_context()
    view = context.view(keys.run_id)
    assert context.view(keys.run_id) is view
    assert context.view("r2").run_id == "r2"
    assert context.view(keys.run_id) is not view
