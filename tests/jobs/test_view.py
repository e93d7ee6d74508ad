from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from fedredis.errors import ArtifactGoneError, RunNotFoundError
from fedredis.jobs import view
from fedredis.jobs.view import RunView
from fedredis.keys import RoundName, RunKeys

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from fedredis.config import RunConfig
    from fedredis.jobs.context import WorkerContext

KNOWN = {"mean": np.zeros(2), "scale": np.ones(2), "rows": np.array(9)}


def look(client: Redis, keys: RunKeys) -> RunView:
    return RunView.open(client, keys, "w-1", alone=None)


def test_a_run_is_read_once(
    client: Redis, keys: RunKeys, make_config: Callable[..., RunConfig]
) -> None:
    run = look(client, keys)
    assert (run.config, run.run_id) == (make_config(), keys.run_id)
    jobs = [run.job_of(RoundName.parse(name)) for name in ("train:1", "evaluate:1", "evaluate:2")]
    assert jobs == ["train", "train", "evaluate"]
    assert run.job_of(RoundName("nothing", 1)) == "nothing"


def test_no_such_run(client: Redis) -> None:
    with pytest.raises(RunNotFoundError, match="there is no run r9"):
        look(client, RunKeys("r9"))


def test_claims_last_as_long_as_the_run_says(
    client: Redis, keys: RunKeys, make_config: Callable[..., RunConfig]
) -> None:
    client.hset(keys.run, "config", make_config(lease_ms=777_000).to_json())
    look(client, keys).store.attach("train")
    until = client.zscore(keys.attached("train"), "w-1")
    assert until / 1000 - client.time()[0] > 700


def test_artifacts_are_fetched_once_a_version_and_the_oldest_forgotten(
    client: Redis,
    keys: RunKeys,
    write_artifact: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(view, "ARTIFACTS_KEPT", 2)
    run, fetched = look(client, keys), []
    fetch = run.store.artifact

    def noting(name: str, version: str) -> object:
        fetched.append((name, version))
        return fetch(name, version)

    run.store.artifact = noting  # type: ignore[assignment]
    for name in ("model:1", "model:2", "model:3"):
        write_artifact(client, keys, name, {"w": np.array([float(name[-1])])})
    versions = {n: str(i) for i, n in enumerate(("model:1", "model:2", "model:3"))}
    for name, version in versions.items():
        client.hset(keys.artifact(name), "version", version)
    order = ["model:1", "model:2", "model:1", "model:3", "model:1", "model:2"]
    for name in order:
        assert run._artifact(name, versions[name])["w"] == float(name[-1])
    assert [name for name, _ in fetched] == ["model:1", "model:2", "model:3", "model:2"]
    with pytest.raises(ArtifactGoneError, match="its model:1 is gone"):
        run._artifact("model:1", "of another master")


def test_a_context_keeps_the_run_that_it_looked_at_last(
    client: Redis, keys: RunKeys, make_context: Callable[..., WorkerContext]
) -> None:
    client.hset("fedredis:{r2}", mapping=client.hgetall(keys.run))
    context = make_context()
    view = context.view(keys.run_id)
    assert context.view(keys.run_id) is view
    assert context.view("r2").run_id == "r2"
    assert context.view(keys.run_id) is not view


def test_a_context_lets_go_of_a_run_that_is_over(
    client: Redis, keys: RunKeys, make_context: Callable[..., WorkerContext]
) -> None:
    context = make_context()
    view, made = context.view(keys.run_id), []

    def rows() -> object:
        return context.inputs.mapped("1", (keys.run_id, "v"), lambda: make(view.config))

    def make(config: RunConfig) -> object:
        made.append(1)
        return context.inputs.conformed("1", config)

    rows()
    context.let_go()
    rows()
    assert (context.view(keys.run_id) is view, len(made)) == (True, 1)
    client.hset(keys.run, "status", "finished")
    context.let_go()
    rows()
    assert (context.view(keys.run_id) is view, len(made)) == (False, 2)
