from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from fedredis.errors import ArtifactGoneError, RunNotFoundError
from fedredis.jobs import view
from fedredis.jobs.view import RunView
from fedredis.keys import RoundName, RunKeys

if TYPE_CHECKING:
    from redis import Redis


def look(client: Redis, keys: RunKeys) -> RunView:
    return RunView.open(client, keys, "w-1", alone=None)


def test_a_run_is_read_once(client, keys, make_config):
    run = look(client, keys)
    assert (run.config, run.run_id) == (make_config(), keys.run_id)
    jobs = [run.job_of(RoundName.parse(name)) for name in ("train:1", "evaluate:1", "evaluate:4")]
    assert jobs == ["train", "train", "evaluate"]
    assert run.job_of(RoundName("nothing", 1)) == "nothing"


def test_what_likely_follows(client, keys):
    """The next of each kind, and the test of a model before the training of the next."""
    names = [RoundName.parse(name) for name in ("evaluate:1", "train:2")]
    found = look(client, keys).following(names)
    assert list(map(str, found)) == ["evaluate:2", "train:3"]
    first = look(client, keys).following([RoundName("train", 1)])
    assert list(map(str, first)) == ["evaluate:1", "train:2"]


def test_what_likely_follows_under_masks(client, keys, make_config):
    """The second round of a sum, and the first of the next; nothing is guessed of keys."""
    client.hset(keys.run, "config", make_config(threshold=0.67).to_json())
    names = [RoundName.parse(n) for n in ("channel:1", "deal:2", "mask-train:2", "train:3")]
    found = look(client, keys).following(names)
    assert list(map(str, found)) == ["train:2", "mask-train:4"]


def test_no_such_run(client):
    with pytest.raises(RunNotFoundError, match="there is no run r9"):
        look(client, RunKeys("r9"))


def test_claims_last_as_long_as_the_run_says(client, keys, make_config):
    client.hset(keys.run, "config", make_config(lease_ms=777_000).to_json())
    look(client, keys).store.attach("train")
    until = client.zscore(keys.attached("train"), "w-1")
    assert until / 1000 - client.time()[0] > 700


def test_artifacts_are_fetched_once_a_version_and_the_oldest_forgotten(
    client, keys, write_artifact, monkeypatch
):
    monkeypatch.setattr(view, "ARTIFACTS_KEPT", 2)
    run, fetched = look(client, keys), []
    fetch = run.store.artifact

    def noting(name, version):
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


def test_a_context_keeps_the_run_that_it_looked_at_last(client, keys, make_context):
    client.hset("fedredis:{r2}", mapping=client.hgetall(keys.run))
    context = make_context()
    view = context.view(keys.run_id)
    assert context.view(keys.run_id) is view
    assert context.view("r2").run_id == "r2"
    assert context.view(keys.run_id) is not view


def test_a_context_lets_go_of_a_run_that_is_over(client, keys, make_context):
    context = make_context()
    view, made = context.view(keys.run_id), []

    def rows():
        return context.inputs.mapped("1", (keys.run_id, "v"), lambda: make(view.config))

    def make(config):
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
